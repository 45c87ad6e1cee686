"""What the API takes and gives of affiliates. Distances are metres."""

from datetime import date, datetime
from typing import Annotated

from pydantic import EmailStr, Field

from shared.http import Body, Day, View
from shared.terms import PaymentMode

from ..domain.affiliate import PayoutStatus
from ..domain.onboarding import ApplicationStatus
from .service_area import Radius, RadiusOrNone, Zips
from .words import CATEGORY as SLUG
from .words import Name, Zip

Email = Annotated[EmailStr, Field(max_length=254)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ().-]{5,30}[0-9]$")]
Policy = Annotated[str, Field(pattern=SLUG, examples=["strict"])]
State = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class AffiliateRequest(Body):
    """An application. City and state follow from the zip code; a city sent is the name its people use."""

    name: Name
    email: Email
    phone: Phone | None = None
    street: Name | None = None
    zip: Zip
    city: Name | None = None
    state: State | None = None
    contact_name: Name | None = None
    insurer: Name | None = None
    insurance_reference: Name | None = Field(default=None, description="of the policy or of its document")
    insurance_expires_on: Day | None = None
    cancellation_policy: Policy | None = Field(default=None, description="one of the platform's; null: the usual")
    service_radius_m: RadiusOrNone = 40_000
    service_zips: Zips = Field(default=[])


class AffiliateChangeRequest(Body):
    """What is left out, or null, stays."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    street: Name | None = None
    zip: Zip | None = None
    city: Name | None = None
    state: State | None = None
    contact_name: Name | None = None
    insurer: Name | None = None
    insurance_reference: Name | None = None
    insurance_expires_on: Day | None = None
    cancellation_policy: Policy | None = None
    payment_mode: PaymentMode | None = Field(default=None, description="one of the platform's `payment_modes`")
    service_radius_m: Radius | None = None


class AffiliateTierRequest(Body):
    """What the platform counts it among: its commission may depend on that."""

    affiliate_tier: Annotated[str, Field(pattern=SLUG, examples=["premium"])]


class ProfileView(View):
    """An affiliate as the public sees it."""

    id: int
    version: int
    name: str
    slug: str
    city: str
    state: str
    zip: str
    latitude: float
    longitude: float
    timezone: str
    service_radius_m: int
    application_status: ApplicationStatus
    rating: float | None
    review_count: int
    created_at: datetime
    updated_at: datetime


class AffiliateView(ProfileView):
    """An affiliate as its own people and the platform's staff see it.

    `status_reason`: why it was rejected or suspended, or what is to be mended; `rejection_reason`: only the first.
    """

    owner_user_id: int
    email: str
    phone: str | None
    contact_name: str | None
    insurer: str | None
    insurance_reference: str | None
    insurance_expires_on: date | None
    affiliate_tier: str
    cancellation_policy: str | None
    payment_mode: str | None
    payout_status: PayoutStatus
    payouts_enabled: bool
    street: str | None
    approved_at: datetime | None
    status_reason: str | None
    rejection_reason: str | None
