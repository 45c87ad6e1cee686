"""What the API takes and gives of promotion codes. Times are UTC, money cents, percentages basis points."""

import re
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from shared.http import Body, Id, Moment, View
from shared.pricing import MAX_PRICE_CENTS

from ..domain.promotion import MAX_USES
from .words import Category


def _code(text: str) -> str:
    """Whoever types it in small letters means the same."""
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{1,30}[A-Z0-9]", code := text.upper()) or not text.isascii():
        raise ValueError("is not 3 to 32 letters, digits and hyphens")
    return code


Code = Annotated[str, AfterValidator(_code), Field(max_length=32, examples=["SPRING-26"])]
Uses = Annotated[StrictInt, Field(ge=1, le=MAX_USES)]


class PromotionLimitsRequest(Body):
    """All limits as they are to be; null: none."""

    ends_at: Moment | None
    max_uses: Uses | None
    max_uses_per_customer: Uses | None


class PromotionRequest(Body):
    """Without an affiliate it is the platform's. `starts_at` is in, `ends_at` out. Of no category: for all."""

    affiliate_id: Id | None = None
    code: Code
    percent_bp: Annotated[StrictInt, Field(ge=1, le=10_000, description="1/100 of a percent")] | None = None
    amount_cents: Annotated[StrictInt, Field(ge=1, le=MAX_PRICE_CENTS, description="cents")] | None = None
    categories: list[Category] = Field(default=[], max_length=50)
    starts_at: Moment
    ends_at: Moment | None = None
    max_uses: Uses | None = None
    max_uses_per_customer: Uses | None = None

    @model_validator(mode="after")
    def _takes_off_one_thing(self) -> Self:
        if (self.percent_bp is None) == (self.amount_cents is None):
            raise ValueError("takes off either percent_bp or amount_cents")
        return self


class PromotionView(View):
    """`uses`: by how many bookings that stand it is used."""

    id: int
    version: int
    affiliate_id: int | None
    code: str
    percent_bp: int | None
    amount_cents: int | None
    categories: list[str]
    starts_at: datetime
    ends_at: datetime | None
    max_uses: int | None
    max_uses_per_customer: int | None
    active: bool
    uses: int = 0
    created_at: datetime
    updated_at: datetime
