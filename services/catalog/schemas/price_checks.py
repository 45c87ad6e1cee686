"""What a price check takes and gives. Money is cents of `currency`, distance metres."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field

from shared.http import Body, Id, Line, View
from shared.pricing import Job, LineItem, Price
from shared.vehicles import Condition, SizeClass

from ..domain.price_check import Offer
from .words import Zip

MOST_ADD_ONS = 20
Code = Annotated[Line, Field(max_length=50), AfterValidator(str.upper)]


class PriceCheckRequest(Body):
    """As a booking has it: what is to be done to which vehicle, and where."""

    tier_id: Id
    zip: Zip
    size_class: SizeClass = SizeClass.SEDAN
    condition: Condition = Condition.NORMAL
    add_on_ids: list[Id] = Field(default=[], max_length=MOST_ADD_ONS)
    promotion_code: Code | None = None

    def job(self, distance_m: int) -> Job:
        return Job(
            size_class=self.size_class, condition=self.condition, add_on_ids=self.add_on_ids, distance_m=distance_m
        )


class PriceCheckView(View):
    """`lines` add up to `total_cents`, and `tax_cents` is part of it. `service_version` and `price_list_version` say
    what it was worked out from; version 0: the affiliate has no price list."""

    lines: list[LineItem]
    total_cents: int
    tax_cents: int
    currency: str
    duration_minutes: int
    distance_m: int
    affiliate_id: int
    service_version: int
    price_list_version: int

    @classmethod
    def of(cls, offer: Offer, price: Price, distance_m: int) -> Self:
        return cls(
            lines=price.lines,
            total_cents=price.total_cents,
            tax_cents=price.tax_cents,
            currency=offer.currency,
            duration_minutes=price.duration_minutes,
            distance_m=distance_m,
            affiliate_id=offer.affiliate_id,
            service_version=offer.service_version,
            price_list_version=offer.price_list_version,
        )
