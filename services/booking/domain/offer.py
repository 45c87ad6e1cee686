"""What booking knows of others: local copies, kept by their events, each with its producer's version."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped
from shared.errors import Conflict, Forbidden, NotFound
from shared.places import Place

from . import Base


class NoSuchOffer(NotFound):
    """There is no such tier."""


class NoSuchAffiliate(NotFound):
    """There is no such affiliate."""


class NotYourAffiliate(Forbidden):
    """Only the affiliate's owner and managers, or staff, can change this."""


class NotBookable(Conflict):
    """This offer cannot be booked at present."""


class OutOfServiceArea(Conflict):
    """This affiliate does not come to this zip code."""


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

    def must_come_to(self, place: Place) -> None:
        """By the rule of catalog's search. An area that is not known yet keeps nobody out."""
        if self.latitude is None or self.longitude is None or self.service_radius_m is None:
            return
        if round(place.metres_to(self.latitude, self.longitude)) > self.service_radius_m:
            raise OutOfServiceArea(service_radius_m=self.service_radius_m)

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


class PlatformConfig(Timestamped, Base, kw_only=True):
    """Catalog's mdh_config: commission and fee in basis points, hold and lead in minutes."""

    __tablename__ = "platform_config"

    config_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    currency: Mapped[str]
    commission_bp: Mapped[int]
    hold_minutes: Mapped[int]
    lead_minutes: Mapped[int]
    horizon_days: Mapped[int]
    free_cancellation_hours: Mapped[int]
    late_cancellation_fee_bp: Mapped[int]


class Offer:
    """A tier with its affiliate and the platform's configuration: all that a price and a policy come from."""

    def __init__(self, tier: Tier, affiliate: Affiliate, config: PlatformConfig, at: datetime) -> None:
        """`at` is the database's time: expiry and lead time are judged by one clock, whichever replica asks."""
        self.tier, self.affiliate, self.config, self.at = tier, affiliate, config, at

    @property
    def earliest(self) -> datetime:
        return self.at + timedelta(minutes=self.config.lead_minutes)

    @property
    def latest(self) -> datetime:
        return self.at + timedelta(days=self.config.horizon_days)

    def must_be_bookable(self) -> None:
        if not self.tier.active or self.affiliate.application_status != "approved":
            raise NotBookable
