"""What the API takes and gives of services. Prices are cents of the configuration's currency."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt

from shared.http import Body, Id, Text, View
from shared.pricing import MAX_PRICE_CENTS, MIN_PRICE_CENTS

from ..domain.service import MAX_MINUTES, MAX_TIERS, MIN_MINUTES, TierDraft
from .words import Category, Name


class NewTierRequest(Body):
    name: Name
    price_cents: Annotated[StrictInt, Field(ge=MIN_PRICE_CENTS, le=MAX_PRICE_CENTS, description="cents")]
    duration_minutes: Annotated[StrictInt, Field(ge=MIN_MINUTES, le=MAX_MINUTES)]
    included: list[Name] = Field(default=[], max_length=30)
    active: StrictBool = True

    def draft(self) -> TierDraft:
        return TierDraft(**({"id": None} | self.model_dump()))


class TierRequest(NewTierRequest):
    """With its id it stays the tier it is; without, it is a new one."""

    id: Id | None = None


class ServiceRequest(Body):
    category: Category
    name: Name
    description: Text = ""
    active: StrictBool = True
    tiers: list[NewTierRequest] = Field(min_length=1, max_length=MAX_TIERS)


class ServiceChangeRequest(Body):
    """The whole service as it is to be; tiers in their order, those not sent are removed."""

    category: Category
    name: Name
    description: Text
    active: StrictBool
    tiers: list[TierRequest] = Field(min_length=1, max_length=MAX_TIERS)


class TierView(View):
    id: int
    name: str
    price_cents: int
    duration_minutes: int
    included: list[str]
    active: bool


class ServiceView(View):
    """A service as its own people see it, with tiers that are not offered at present."""

    id: int
    version: int
    affiliate_id: int
    category: str
    name: str
    description: str
    active: bool
    tiers: list[TierView] = Field(validation_alias="current_tiers")
    created_at: datetime
    updated_at: datetime


class OfferView(ServiceView):
    """A service as the public sees it."""

    tiers: list[TierView] = Field(validation_alias="offered_tiers")


class ServicesView(View):
    items: list[ServiceView | OfferView]


class CategoryView(View):
    slug: str
    name: str


class CategoriesView(View):
    items: list[CategoryView]
