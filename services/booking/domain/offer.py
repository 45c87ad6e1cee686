"""What booking knows of others: local copies, kept by their events, each with its producer's version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped, kept
from shared.errors import Conflict, Forbidden, NotFound
from shared.places import OutOfServiceArea, Place, serves
from shared.platform_config import PlatformConfig
from shared.pricing import Job, Price, PriceList, Promotion, SizePrice, TierOnSale, duration_minutes, price
from shared.terms import CancellationPolicy, PaymentMode, chosen_mode, chosen_policy, commission_bp

from . import Base
from .schedule_settings import INTERVAL_MINUTES, ScheduleSettings
from .tour import Rule


class NoSuchOffer(NotFound):
    """There is no such tier."""


class NoSuchAffiliate(NotFound):
    """There is no such affiliate."""


class NotYourAffiliate(Forbidden):
    """Only the affiliate's owner and managers, or staff, can change this."""


class NotBookable(Conflict):
    """This offer cannot be booked at present."""


class PriceChanged(Conflict):
    """The price has changed since you saw it; `lines` say what it is made of now."""


class Affiliate(Timestamped, Base, kw_only=True):
    """Catalog's affiliate, as far as booking needs it."""

    __tablename__ = "affiliates"

    affiliate_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    application_status: Mapped[str]
    timezone: Mapped[str]
    latitude: Mapped[float | None] = mapped_column(default=None)
    longitude: Mapped[float | None] = mapped_column(default=None)
    service_radius_m: Mapped[int | None] = mapped_column(default=None)
    service_zips: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    affiliate_tier: Mapped[str] = mapped_column(default="standard")
    cancellation_policy: Mapped[str | None] = mapped_column(default=None)
    payment_mode: Mapped[str | None] = mapped_column(default=None)

    def must_come_to(self, place: Place) -> None:
        if not self.comes_to(place):
            raise OutOfServiceArea(service_radius_m=self.service_radius_m)

    def comes_to(self, place: Place) -> bool:
        """By the rule of catalog's search. An area that is not known yet keeps nobody out."""
        if self.latitude is None or self.longitude is None or self.service_radius_m is None:
            return True
        return serves(place, self.latitude, self.longitude, self.service_radius_m, self.service_zips)

    @property
    def base(self) -> Place | None:
        """Where its crews start; None while that is not known."""
        if self.latitude is None or self.longitude is None:
            return None
        return Place("", "", "", self.latitude, self.longitude, self.timezone)

    def distance_m(self, place: Place) -> int | None:
        """How far it goes to get there; None while its base is not known."""
        if self.latitude is None or self.longitude is None:
            return None
        return place.distance_m(self.latitude, self.longitude)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Tier(Timestamped, Base, kw_only=True):
    """One tier of one of catalog's offers; `active` only while offer and tier both are."""

    __tablename__ = "tiers"

    tier_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    service_id: Mapped[int]
    affiliate_id: Mapped[int]
    service_name: Mapped[str]
    tier_name: Mapped[str]
    price_cents: Mapped[int]
    duration_minutes: Mapped[int]
    active: Mapped[bool]
    category: Mapped[str] = mapped_column(default="")
    size_prices: Mapped[list[SizePrice]] = mapped_column(kept(list[SizePrice]), default_factory=list)

    @property
    def on_sale(self) -> TierOnSale:
        return TierOnSale(
            name=self.tier_name,
            category=self.category,
            price_cents=self.price_cents,
            duration_minutes=self.duration_minutes,
            size_prices=self.size_prices,
        )


@dataclass(frozen=True, slots=True)
class Sale:
    """What a customer gets of an offer, by which promotion, and what it costs them."""

    job: Job
    promotion: Promotion | None
    price: Price

    def must_cost(self, seen_cents: int | None, currency: str) -> None:
        """`PriceChanged` if the customer saw another total; None: they saw none."""
        if seen_cents not in (None, self.price.total_cents):
            lines = [line.model_dump(mode="json") for line in self.price.lines]
            raise PriceChanged(price_cents=self.price.total_cents, currency=currency, lines=lines)


@dataclass(frozen=True, slots=True)
class Visit:
    """When (UTC) and where to somebody comes; by which quote, if it is not by the price list; of which series. Unpaid
    it is held for so long, None: as the platform says. `vehicle` are the vehicles in the customer's words, one a line.
    """

    starts_at: datetime
    address: str
    zip: str
    quote_id: int | None = None
    series_id: int | None = None
    held_for: timedelta | None = None
    vehicle: str = ""


class Offer:
    """A tier with its affiliate, its price list and the platform's configuration: what price and policy come from."""

    def __init__(
        self,
        tier: Tier,
        affiliate: Affiliate,
        config: PlatformConfig,
        rules: PriceList | None,
        at: datetime,
        settings: ScheduleSettings | None = None,
    ) -> None:
        """`at` is the database's time: expiry and lead time are judged by one clock, whichever replica asks."""
        self.tier, self.affiliate, self.config, self.at = tier, affiliate, config, at
        self.rules, self.settings = rules or PriceList(), settings

    @property
    def earliest(self) -> datetime:
        lead = self.config.lead_minutes
        return self.at + timedelta(minutes=self.settings.lead_within(lead) if self.settings else lead)

    @property
    def latest(self) -> datetime:
        horizon = self.config.horizon_days
        return self.at + timedelta(days=self.settings.horizon_within(horizon) if self.settings else horizon)

    @property
    def interval(self) -> int:
        """Minutes between the times at which a job may begin."""
        return self.settings.slot_interval_minutes if self.settings else INTERVAL_MINUTES

    @property
    def is_asked_for(self) -> bool:
        """Whether the affiliate wants to say yes first."""
        return self.settings is not None and self.settings.request_to_book

    @property
    def arrival_window_minutes(self) -> int:
        """How much later than agreed a crew may begin."""
        return self.settings.arrival_window_minutes if self.settings else 0

    def hides(self, start: datetime) -> dict[Rule, bool]:
        """Which rules of the offer hide a time, whatever the crews have to do."""
        return {Rule.LEAD: start < self.earliest, Rule.HORIZON: start > self.latest}

    @property
    def commission_bp(self) -> int:
        config = self.config
        return commission_bp(
            config.commission_bp, config.commission_rates, self.tier.category, self.affiliate.affiliate_tier
        )

    @property
    def policy(self) -> CancellationPolicy:
        return chosen_policy(
            self.config.usual_policy, self.config.cancellation_policies, self.affiliate.cancellation_policy
        )

    def way_to_pay(self, price_cents: int) -> tuple[PaymentMode, int | None]:
        """With the deposit, where there is one: a deposit of nothing or of everything is none."""
        mode, deposit = chosen_mode(self.config.payment_modes, self.affiliate.payment_mode), self.config.deposit
        if mode is not PaymentMode.DEPOSIT:
            return mode, None
        cents = deposit.of(price_cents) if deposit else 0
        return (mode, cents) if 0 < cents < price_cents else (PaymentMode.FULL, None)

    def sell(self, job: Job, promotion: Promotion | None) -> Sale:
        """Priced by catalog's function from what it told: to the cent what its price check shows."""
        return Sale(job, promotion, price(self.tier.on_sale, self.rules, job, promotion))

    def minutes_with(self, add_ons: Sequence[Sequence[int]]) -> int:
        """`add_ons`: of each vehicle."""
        return duration_minutes(self.tier.on_sale, self.rules, add_ons)

    def must_be_bookable(self) -> None:
        if not self.tier.active or self.affiliate.application_status != "approved":
            raise NotBookable
