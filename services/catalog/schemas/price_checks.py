"""What a price check takes and gives. Money is cents of `currency`, distance metres."""

from typing import Self

from shared.http import View
from shared.pricing import LineItem, Price
from shared.wanted import JobRequest

from ..domain.price_check import Offer


class PriceCheckRequest(JobRequest):
    """As a booking has it: what is to be done to which vehicles, and where."""


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
