"""What catalog tells: affiliates, their offers, the platform's configuration."""

from shared.contracts.personal import DataErased, DataExported
from shared.events import Event
from shared.pricing import PriceList, Promotion, SizePrice
from shared.terms import CancellationPolicy, CommissionRate, Deposit


class AffiliateEvent(Event, aggregate="affiliate"):
    """An affiliate as it now is. Distances in metres, coordinates in degrees (WGS 84), `timezone` IANA.

    It comes to places within `service_radius_m` of its own and to `service_zips`; radius 0: only to those.
    `rating_hundredths` is in hundredths of a star, null before the first review. `affiliate_tier` is what the platform
    counts it among (`commission_rates`), `cancellation_policy` which of the platform's it has chosen, null the usual;
    `payment_mode` likewise, null the first of the platform's `payment_modes`.
    `slug` names it in addresses; empty in events from before it was told.
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
    service_zips: list[str] = []
    affiliate_tier: str = "standard"
    cancellation_policy: str | None = None
    payment_mode: str | None = None
    rating_hundredths: int | None = None
    review_count: int = 0
    slug: str = ""


class AffiliateApplied(AffiliateEvent, type="catalog.affiliate_applied.v1"):
    pass


class AffiliateInReview(AffiliateEvent, type="catalog.affiliate_in_review.v1"):
    """Somebody of staff looks at it."""


class AffiliateChangesRequested(AffiliateEvent, type="catalog.affiliate_changes_requested.v1"):
    """Its owner is to mend the application and send it again."""

    reason: str


class AffiliateResubmitted(AffiliateEvent, type="catalog.affiliate_resubmitted.v1"):
    pass


class AffiliateApproved(AffiliateEvent, type="catalog.affiliate_approved.v1"):
    pass


class AffiliateRejected(AffiliateEvent, type="catalog.affiliate_rejected.v1"):
    reason: str


class AffiliateSuspended(AffiliateEvent, type="catalog.affiliate_suspended.v1"):
    """Nobody finds it or books it until it is reinstated; appointments that stand are kept."""

    reason: str


class AffiliateReinstated(AffiliateEvent, type="catalog.affiliate_reinstated.v1"):
    pass


class AffiliateClosed(AffiliateEvent, type="catalog.affiliate_closed.v1"):
    """Its owner gave it up, for good; appointments that stand are kept."""


class AffiliateChanged(AffiliateEvent, type="catalog.affiliate_changed.v1"):
    """Any other change, the rating included."""


# Every change of an affiliate is one of these: whoever keeps a copy listens to all.
AFFILIATE_EVENTS: tuple[type[AffiliateEvent], ...] = (
    AffiliateApplied,
    AffiliateInReview,
    AffiliateChangesRequested,
    AffiliateResubmitted,
    AffiliateApproved,
    AffiliateRejected,
    AffiliateSuspended,
    AffiliateReinstated,
    AffiliateClosed,
    AffiliateChanged,
)


class Tier(Event, aggregate="tier"):
    """A tier inside an offer; its version is the offer's."""

    tier_id: int
    name: str
    price_cents: int
    duration_minutes: int
    active: bool
    size_prices: list[SizePrice] = []


class OfferEvent(Event, aggregate="service"):
    """A service with all its tiers, those no longer offered as inactive. `photo_urls` in the affiliate's order."""

    service_id: int
    affiliate_id: int
    category: str
    name: str
    active: bool
    tiers: list[Tier]
    description: str = ""
    position: int = 0
    photo_urls: list[str] = []


class OfferPublished(OfferEvent, type="catalog.offer_published.v1"):
    pass


class OfferChanged(OfferEvent, type="catalog.offer_changed.v1"):
    pass


class OfferWithdrawn(OfferEvent, type="catalog.offer_withdrawn.v1"):
    pass


class CategoryChanged(Event, aggregate="category", type="catalog.category_changed.v1"):
    """What services are sorted into, new categories included; one that is not active takes no new services."""

    category_id: int
    slug: str
    name: str
    position: int
    active: bool


class PriceListChanged(Event, aggregate="price_list", type="catalog.price_list_changed.v1"):
    """All that an affiliate's prices follow beside its tiers, whole, add-ons no longer offered as inactive."""

    price_list_id: int
    affiliate_id: int
    rules: PriceList


class PromotionChanged(Event, aggregate="promotion", type="catalog.promotion_changed.v1"):
    """A promotion code as it now is, new ones included; one that ended early is inactive."""

    promotion_id: int
    promotion: Promotion


class ConfigChanged(Event, aggregate="config", type="catalog.config_changed.v1"):
    """The platform's configuration, whole: commission and fee in basis points, currency ISO 4217.

    `commission_bp`, `free_cancellation_hours` and `late_cancellation_fee_bp` hold where no rate and no policy says
    otherwise. `features` names what can be switched off, and whether it is on.
    """

    config_id: int
    currency: str
    commission_bp: int
    hold_minutes: int
    lead_minutes: int
    horizon_days: int
    free_cancellation_hours: int
    late_cancellation_fee_bp: int
    commission_rates: list[CommissionRate] = []
    cancellation_policies: list[CancellationPolicy] = []
    deposit: Deposit | None = None
    tips_allowed: bool = True
    max_open_holds: int = 3
    payment_modes: list[str] = ["full"]
    features: dict[str, bool] = {}


class PersonalDataExported(DataExported, type="catalog.personal_data_exported.v1"):
    pass


class PersonalDataErased(DataErased, type="catalog.personal_data_erased.v1"):
    pass
