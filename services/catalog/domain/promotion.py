"""Promotion codes, of an affiliate or of the platform, and the bookings that used them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared import pricing
from shared.db import Aggregate, Timestamped
from shared.errors import Conflict, NotFound, Unprocessable

from . import Base

CODE_UNIQUE = "uq_promotions_code"
WINDOW = "ck_promotions_window"
PROMOTION_CATEGORY_EXISTS = "fk_promotion_categories_category"
MAX_USES = 10_000_000


class NoSuchPromotion(NotFound):
    """There is no such promotion, or it is not yours to see."""


class CodeTaken(Conflict):
    """There is, or was, a promotion with this code already. What a code meant once it means for good."""


class PromotionEnded(Conflict):
    """This promotion was ended: nothing of it changes any more."""


class EndsBeforeItBegins(Unprocessable):
    """A promotion ends after it begins."""


class PromotionCategory(Base, kw_only=True):
    __tablename__ = "promotion_categories"

    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotions.id"), primary_key=True, init=False)
    category: Mapped[str] = mapped_column(primary_key=True)


class Promotion(Aggregate, Base, kw_only=True):
    """`affiliate_id` None: the platform's, good at every affiliate. Of no category: good for all. It takes off either
    `percent_bp` or `amount_cents`."""

    __tablename__ = "promotions"

    affiliate_id: Mapped[int | None] = mapped_column(ForeignKey("affiliates.id"))
    code: Mapped[str]
    percent_bp: Mapped[int | None]
    amount_cents: Mapped[int | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    max_uses_per_customer: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    within: Mapped[list[PromotionCategory]] = relationship(lazy="selectin", order_by=PromotionCategory.category)

    @classmethod
    def begin(cls, affiliate_id: int | None, categories: Collection[str], terms: Mapping[str, Any]) -> Self:
        """`terms`: code, percent_bp, amount_cents, starts_at, ends_at, max_uses, max_uses_per_customer."""
        within = [PromotionCategory(category=slug) for slug in sorted(set(categories))]
        return cls(affiliate_id=affiliate_id, within=within, **terms)

    @property
    def promotion_id(self) -> int:
        return self.id

    @property
    def categories(self) -> list[str]:
        return [entry.category for entry in self.within]

    @property
    def promotion(self) -> pricing.Promotion:
        """As others know it."""
        return pricing.Promotion.model_validate(self)

    def limit(self, ends_at: datetime | None, max_uses: int | None, max_uses_per_customer: int | None) -> None:
        if not self.active:
            raise PromotionEnded
        self.ends_at, self.max_uses, self.max_uses_per_customer = ends_at, max_uses, max_uses_per_customer
        self.version += 1

    def end(self) -> None:
        """At once and for good, whatever its window says."""
        if not self.active:
            raise PromotionEnded
        self.active = False
        self.version += 1


class PromotionUse(Timestamped, Base, kw_only=True):
    """A booking that used a promotion, as booking's newest news of it says; it `counts` while it stands."""

    __tablename__ = "promotion_uses"

    booking_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotions.id"))
    customer_id: Mapped[int]
    counts: Mapped[bool]
