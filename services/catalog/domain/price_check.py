"""What a price is worked out from: all that booking has copies of, here at its source."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import Conflict, NotFound
from shared.places import OutOfServiceArea, Place, serves
from shared.pricing import Job, Price, PriceList, Promotion, PromotionDoesNotApply, TierOnSale, price


class NoSuchOffer(NotFound):
    """There is no such tier."""


class NotBookable(Conflict):
    """This offer cannot be booked at present."""


@dataclass(frozen=True, slots=True)
class Coupon:
    """A promotion with its uses, as far as booking has told of them."""

    promotion: Promotion
    uses: int
    uses_by_customer: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A tier with what its affiliate asks for; versions say what the price was worked out from, 0: no price list."""

    tier: TierOnSale
    is_offered: bool
    affiliate_id: int
    latitude: float
    longitude: float
    service_radius_m: int
    service_zips: Collection[str]
    rules: PriceList
    currency: str
    at: datetime
    service_version: int
    price_list_version: int

    @classmethod
    def read(cls, row: Any) -> "Offer":
        values = row._asdict()
        tier = TierOnSale.model_validate({name: values.pop(f"tier_{name}") for name in TierOnSale.model_fields})
        version, rules = values.pop("price_list_version") or 0, values.pop("rules")
        known = PriceList.model_validate(rules) if version else PriceList()
        return cls(tier=tier, rules=known, price_list_version=version, **values)

    def must_be_bookable(self) -> None:
        if not self.is_offered:
            raise NotBookable

    def must_come_to(self, place: Place) -> None:
        if not serves(place, self.latitude, self.longitude, self.service_radius_m, self.service_zips):
            raise OutOfServiceArea(service_radius_m=self.service_radius_m)

    def distance_m(self, place: Place) -> int:
        return place.distance_m(self.latitude, self.longitude)

    def price(self, job: Job, coupon: Coupon | None) -> Price:
        """Refuses what booking would refuse, in the same words."""
        if coupon is not None:
            coupon.promotion.must_apply(
                self.affiliate_id,
                self.tier.category,
                self.at,
                uses=coupon.uses,
                uses_by_customer=coupon.uses_by_customer,
            )
        return price(self.tier, self.rules, job, coupon.promotion if coupon else None)


def must_be_known(coupon: Coupon | None) -> Coupon:
    if coupon is None:
        raise PromotionDoesNotApply(why="unknown")
    return coupon
