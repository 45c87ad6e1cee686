"""What a job costs beside its tier: copies of catalog's price lists and promotions."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped, kept
from shared.pricing import PriceList, Promotion, PromotionDoesNotApply

from . import Base
from .offer import Tier


class AffiliatePrices(Timestamped, Base, kw_only=True):
    """The rules of an affiliate's price list; without a row it has none, and its tiers' prices stand."""

    __tablename__ = "price_lists"

    affiliate_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    rules: Mapped[PriceList] = mapped_column(kept(PriceList))


class PromotionCode(Timestamped, Base, kw_only=True):
    """A promotion, with what customers type to get it; of the platform if no affiliate is named."""

    __tablename__ = "promotions"

    promotion_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    affiliate_id: Mapped[int | None]
    promotion: Mapped[Promotion] = mapped_column(kept(Promotion))


@dataclass(frozen=True, slots=True)
class Redeemable:
    """A promotion and its uses: the bookings with it that are held and have not run out, confirmed or completed.

    `at` is the database's time.
    """

    promotion: Promotion
    uses: int
    uses_by_customer: int
    at: datetime

    def must_apply_to(self, tier: Tier) -> None:
        """`PromotionDoesNotApply` unless it is good for this tier now, and not used up."""
        told = {"uses": self.uses, "uses_by_customer": self.uses_by_customer}
        self.promotion.must_apply(tier.affiliate_id, tier.category, self.at, **told)

    def applies_to(self, tier: Tier) -> bool:
        try:
            self.must_apply_to(tier)
        except PromotionDoesNotApply:
            return False
        return True

    @property
    def is_used_up(self) -> bool:
        limits = ((self.promotion.max_uses, self.uses), (self.promotion.max_uses_per_customer, self.uses_by_customer))
        return any(most is not None and uses >= most for most, uses in limits)
