"""The read model of the search: what is known of affiliates and their offers, in the shape in which it is asked for.

A row says what the newest fact of each kind says, in whatever order they came and however often. Whoever is not found
is not described either.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Date, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.contracts.catalog import AffiliateEvent, OfferEvent, PriceListChanged
from shared.db import Timestamped, kept
from shared.places import Box, Place
from shared.pricing import PriceList, TierOnSale, sized_cents
from shared.vehicles import SizeClass

from . import Base
from .affiliate import slug_of
from .onboarding import ApplicationStatus

SIZES = tuple(SizeClass)  # prices by size stand in this order
NOBODY: dict[str, Any] = {
    "name": "", "city": "", "state": "", "zip": "", "timezone": "", "latitude": 0.0, "longitude": 0.0,
    "service_radius_m": 0, "service_zips": [], "rating_hundredths": None, "review_count": 0,
}  # fmt: skip

Fact: TypeAlias = AffiliateEvent | OfferEvent | PriceListChanged


class FreeDays(Timestamped, Base, kw_only=True):
    """Booking's word, kept: the local days on which an affiliate can still be booked for something."""

    __tablename__ = "free_days"

    affiliate_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    days: Mapped[list[date]] = mapped_column(ARRAY(Date))


class SearchOffer(Timestamped, Base, kw_only=True):
    """A service. `prices` are the lowest of its tiers in cents by vehicle size, None where it is not taken."""

    __tablename__ = "search_offers"

    service_id: Mapped[int] = mapped_column(primary_key=True)
    affiliate_id: Mapped[int]
    version: Mapped[int] = mapped_column(default=0)
    listed: Mapped[bool] = mapped_column(default=False)
    category: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    tiers: Mapped[list[TierOnSale]] = mapped_column(kept(list[TierOnSale]), default_factory=list)
    lowest_cents: Mapped[int | None] = mapped_column(default=None)
    prices: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger), default_factory=list)

    def take(self, event: OfferEvent) -> None:
        if event.version <= self.version:
            return
        self.version = event.version
        tiers = [tier for tier in event.tiers if tier.active] if event.active else []
        self.listed = bool(tiers)
        known = (event.category, event.name, event.description) if self.listed else ("", "", "")
        self.category, self.name, self.description = known
        self.tiers = [TierOnSale(category=event.category, **_of(tier)) for tier in tiers]

    def price(self, rules: PriceList) -> None:
        by_size = [_lowest(sized_cents(tier, rules, size) for tier in self.tiers) for size in SIZES]
        self.prices = by_size if self.listed else []
        self.lowest_cents = _lowest(by_size)


class SearchAffiliate(Timestamped, Base, kw_only=True):
    """An affiliate, listed if it can be found; its offers' categories, lowest prices and words are summed up.

    `south` to `east` is the box around its radius. The table also has `document`, made by the database of its words.
    """

    __tablename__ = "search_affiliates"

    affiliate_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    listed: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column(default="")
    slug: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="")
    zip: Mapped[str] = mapped_column(default="")
    timezone: Mapped[str] = mapped_column(default="")
    latitude: Mapped[float] = mapped_column(default=0.0)
    longitude: Mapped[float] = mapped_column(default=0.0)
    service_radius_m: Mapped[int] = mapped_column(default=0)
    service_zips: Mapped[list[str]] = mapped_column(ARRAY(String), default_factory=list)
    south: Mapped[float] = mapped_column(default=0.0)
    north: Mapped[float] = mapped_column(default=0.0)
    west: Mapped[float] = mapped_column(default=0.0)
    east: Mapped[float] = mapped_column(default=0.0)
    rating_hundredths: Mapped[int | None] = mapped_column(default=None)
    review_count: Mapped[int] = mapped_column(default=0)
    rules_version: Mapped[int] = mapped_column(default=0)
    rules: Mapped[PriceList] = mapped_column(kept(PriceList), default_factory=PriceList)
    free_days: Mapped[list[date]] = mapped_column(ARRAY(Date), default_factory=list)
    categories: Mapped[list[str]] = mapped_column(ARRAY(String), default_factory=list)
    lowest_cents: Mapped[int | None] = mapped_column(default=None)
    prices: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger), default_factory=list)
    offered: Mapped[str] = mapped_column(default="")
    described: Mapped[str] = mapped_column(default="")

    def take(self, event: AffiliateEvent) -> None:
        if event.version <= self.version:
            return
        self.version = event.version
        self.listed = event.application_status == ApplicationStatus.APPROVED
        for name, blank in NOBODY.items():
            setattr(self, name, getattr(event, name) if self.listed else blank)
        self.slug = (event.slug or slug_of(event.name)) if self.listed else ""
        base = Place("", "", "", self.latitude, self.longitude, "")
        box = Box.around(base, self.service_radius_m)
        self.south, self.north, self.west, self.east = box.south, box.north, box.west, box.east

    def take_rules(self, event: PriceListChanged) -> None:
        if event.version > self.rules_version:
            self.rules_version, self.rules = event.version, event.rules

    def sum_up(self, offers: Iterable[SearchOffer]) -> None:
        listed = sorted((offer for offer in offers if offer.listed), key=lambda offer: offer.service_id)
        self.categories = sorted({offer.category for offer in listed})
        self.lowest_cents = _lowest(offer.lowest_cents for offer in listed)
        self.prices = [_lowest(offer.prices[size] for offer in listed) for size in range(len(SIZES))] if listed else []
        self.offered = " | ".join(offer.name for offer in listed)
        self.described = "\n".join(offer.description for offer in listed)


@dataclass
class Listing:
    """An affiliate with all its offers: what one of its facts may change."""

    affiliate: SearchAffiliate
    offers: dict[int, SearchOffer]

    def take(self, *facts: Fact) -> None:
        """Older facts and repeated ones change nothing."""
        for fact in facts:
            self._take(fact)
        for offer in self.offers.values():
            offer.price(self.affiliate.rules)
        self.affiliate.sum_up(self.offers.values())

    def _take(self, fact: Fact) -> None:
        match fact:
            case AffiliateEvent():
                self.affiliate.take(fact)
            case PriceListChanged():
                self.affiliate.take_rules(fact)
            case OfferEvent():
                new = SearchOffer(service_id=fact.service_id, affiliate_id=fact.affiliate_id)
                self.offers.setdefault(fact.service_id, new).take(fact)


def _of(tier: Any) -> dict[str, Any]:
    return {name: getattr(tier, name) for name in TierOnSale.model_fields if name != "category"}


def _lowest(cents: Iterable[int | None]) -> int | None:
    return min((price for price in cents if price is not None), default=None)
