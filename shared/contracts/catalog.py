"""What catalog tells: affiliates, their offers, the platform's configuration."""

from shared.contracts.personal import DataErased, DataExported
from shared.events import Event


class AffiliateEvent(Event, aggregate="affiliate"):
    """An affiliate as it now is. Distances in metres, coordinates in degrees (WGS 84), `timezone` IANA.

    `rating_hundredths` is in hundredths of a star, null before the first review.
    """

    affiliate_id: int
    owner_user_id: int
    name: str
    application_status: str
    city: str
    state: str
    zip: str
    timezone: str
    latitude: float
    longitude: float
    service_radius_m: int
    rating_hundredths: int | None = None
    review_count: int = 0


class AffiliateApplied(AffiliateEvent, type="catalog.affiliate_applied.v1"):
    pass


class AffiliateApproved(AffiliateEvent, type="catalog.affiliate_approved.v1"):
    pass


class AffiliateRejected(AffiliateEvent, type="catalog.affiliate_rejected.v1"):
    reason: str


class AffiliateChanged(AffiliateEvent, type="catalog.affiliate_changed.v1"):
    """Any other change, the rating included."""


class Tier(Event, aggregate="tier"):
    """A tier inside an offer; its version is the offer's."""

    tier_id: int
    name: str
    price_cents: int
    duration_minutes: int
    active: bool


class OfferEvent(Event, aggregate="service"):
    """A service with all its tiers, those no longer offered as inactive."""

    service_id: int
    affiliate_id: int
    category: str
    name: str
    active: bool
    tiers: list[Tier]


class OfferPublished(OfferEvent, type="catalog.offer_published.v1"):
    pass


class OfferChanged(OfferEvent, type="catalog.offer_changed.v1"):
    pass


class OfferWithdrawn(OfferEvent, type="catalog.offer_withdrawn.v1"):
    pass


class ConfigChanged(Event, aggregate="config", type="catalog.config_changed.v1"):
    """The platform's configuration, whole: commission and fee in basis points, currency ISO 4217."""

    config_id: int
    currency: str
    commission_bp: int
    hold_minutes: int
    lead_minutes: int
    horizon_days: int
    free_cancellation_hours: int
    late_cancellation_fee_bp: int


class PersonalDataExported(DataExported, type="catalog.personal_data_exported.v1"):
    pass


class PersonalDataErased(DataErased, type="catalog.personal_data_erased.v1"):
    pass
