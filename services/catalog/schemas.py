"""What catalog's API takes and gives. Prices are cents of the configuration's currency, distances metres."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, EmailStr, Field, StrictBool, StrictInt, model_validator

from shared.http import Body, Id, Line, Text, View

from .domain.affiliate import MAX_RADIUS_M, MIN_RADIUS_M, ApplicationStatus
from .domain.config import CURRENCIES
from .domain.service import MAX_MINUTES, MAX_PRICE_CENTS, MAX_TIERS, MIN_MINUTES, MIN_PRICE_CENTS, TierDraft

ZIP = r"^[0-9]{5}$"
CATEGORY = r"^[a-z][a-z_]{0,49}$"


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text.strip()


Name = Annotated[Line, AfterValidator(_not_blank)]
Reason = Annotated[Text, AfterValidator(_not_blank)]
Email = Annotated[EmailStr, Field(max_length=254)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ().-]{5,30}[0-9]$")]
Zip = Annotated[str, Field(pattern=ZIP)]
State = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Radius = Annotated[StrictInt, Field(ge=MIN_RADIUS_M, le=MAX_RADIUS_M, description="metres")]
Category = Annotated[str, Field(pattern=CATEGORY, examples=["exterior"])]
BasisPoints = Annotated[StrictInt, Field(ge=0, le=10_000, description="1/100 of a percent")]


class AffiliateRequest(Body):
    """An application. City and state follow from the zip code; a city sent is the name its people use."""

    name: Name
    email: Email
    phone: Phone | None = None
    street: Name | None = None
    zip: Zip
    city: Name | None = None
    state: State | None = None
    service_radius_m: Radius = 40_000


class AffiliateChangeRequest(Body):
    """What is left out, or null, stays."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    street: Name | None = None
    zip: Zip | None = None
    city: Name | None = None
    state: State | None = None
    service_radius_m: Radius | None = None


class RejectRequest(Body):
    reason: Reason


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
    """An affiliate as its own people and the platform's staff see it."""

    owner_user_id: int
    email: str
    phone: str | None
    street: str | None
    rejection_reason: str | None


class FoundView(View):
    """An affiliate that serves the place asked for; `from_price_cents` null: nothing on offer at present."""

    id: int
    name: str
    slug: str
    city: str
    state: str
    distance_m: int
    service_radius_m: int
    rating: float | None
    review_count: int
    from_price_cents: int | None


class NewTierRequest(Body):
    name: Name
    price_cents: Annotated[StrictInt, Field(ge=MIN_PRICE_CENTS, le=MAX_PRICE_CENTS, description="cents")]
    duration_minutes: Annotated[StrictInt, Field(ge=MIN_MINUTES, le=MAX_MINUTES)]
    included: list[Name] = Field(default=[], max_length=30)
    active: StrictBool = True

    def draft(self) -> TierDraft:
        return TierDraft(**({"id": None} | self.model_dump()))


class TierRequest(NewTierRequest):
    """With its id it stays the tier it is; without, it is a new one."""

    id: Id | None = None


class ServiceRequest(Body):
    category: Category
    name: Name
    description: Text = ""
    active: StrictBool = True
    tiers: list[NewTierRequest] = Field(min_length=1, max_length=MAX_TIERS)


class ServiceChangeRequest(Body):
    """The whole service as it is to be; tiers in their order, those not sent are removed."""

    category: Category
    name: Name
    description: Text
    active: StrictBool
    tiers: list[TierRequest] = Field(min_length=1, max_length=MAX_TIERS)


class TierView(View):
    id: int
    name: str
    price_cents: int
    duration_minutes: int
    included: list[str]
    active: bool


class ServiceView(View):
    """A service as its own people see it, with tiers that are not offered at present."""

    id: int
    version: int
    affiliate_id: int
    category: str
    name: str
    description: str
    active: bool
    tiers: list[TierView] = Field(validation_alias="current_tiers")
    created_at: datetime
    updated_at: datetime


class OfferView(ServiceView):
    """A service as the public sees it."""

    tiers: list[TierView] = Field(validation_alias="offered_tiers")


class ServicesView(View):
    items: list[ServiceView | OfferView]


class CategoryView(View):
    slug: str
    name: str


class CategoriesView(View):
    items: list[CategoryView]


class ConfigRequest(Body):
    """The whole configuration. Holds last `hold_minutes`; bookings begin `lead_minutes` to `horizon_days` from now."""

    currency: Literal[CURRENCIES]  # type: ignore[valid-type]
    commission_bp: BasisPoints
    hold_minutes: Annotated[StrictInt, Field(ge=1, le=1440)]
    lead_minutes: Annotated[StrictInt, Field(ge=0, le=43_200)]
    horizon_days: Annotated[StrictInt, Field(ge=1, le=730)]
    free_cancellation_hours: Annotated[StrictInt, Field(ge=0, le=720)]
    late_cancellation_fee_bp: BasisPoints

    @model_validator(mode="after")
    def _has_a_window(self) -> Self:
        if self.lead_minutes >= self.horizon_days * 1440:
            raise ValueError("lead_minutes reaches beyond horizon_days: nothing could be booked")
        return self


class PublicConfigView(View):
    version: int
    currency: str
    hold_minutes: int
    lead_minutes: int
    horizon_days: int
    free_cancellation_hours: int
    late_cancellation_fee_bp: int


class ConfigView(PublicConfigView):
    """With what is between the platform and its affiliates; for staff."""

    commission_bp: int
    updated_at: datetime


class ConfigChangeView(View):
    """`changes` maps a field to what it was and what it became; the first entry is the installation."""

    version: int
    changed_by: int | None
    changes: dict[str, Any]
    created_at: datetime
