"""What a job costs beside its tier: copies of catalog's price lists and promotions."""

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped, kept
from shared.pricing import PriceList, Promotion

from . import Base


class AffiliatePrices(Timestamped, Base, kw_only=True):
    """The rules of an affiliate's price list; without a row it has none, and its tiers' prices stand."""

    __tablename__ = "price_lists"

    affiliate_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    rules: Mapped[PriceList] = mapped_column(kept(PriceList))


class PromotionCode(Timestamped, Base, kw_only=True):
    """A promotion, with what customers type to get it."""

    __tablename__ = "promotions"

    promotion_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    promotion: Mapped[Promotion] = mapped_column(kept(Promotion))
