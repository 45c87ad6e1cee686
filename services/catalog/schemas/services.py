"""What the API takes and gives of services. Prices are cents of the configuration's currency."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from shared.http import Body, Id, Text, View
from shared.photos import PhotoUrls
from shared.pricing import MAX_PRICE_CENTS, MIN_PRICE_CENTS
from shared.vehicles import SizeClass

from ..domain.photo import MAX_PHOTOS
from ..domain.service import MAX_SERVICES, MAX_TIERS
from ..domain.tier import MAX_INCLUDED, MAX_MINUTES, MIN_MINUTES, TierDraft
from .words import Category, Name

Price = Annotated[StrictInt, Field(ge=MIN_PRICE_CENTS, le=MAX_PRICE_CENTS, description="cents")]
Photos = Annotated[PhotoUrls, Field(max_length=MAX_PHOTOS)]


class SizePriceRequest(Body):
    size_class: SizeClass
    price_cents: Price


def _each_size_once(prices: list[SizePriceRequest]) -> list[SizePriceRequest]:
    if len({price.size_class for price in prices}) < len(prices):
        raise ValueError("names a size twice")
    return prices


class NewTierRequest(Body):
    """`size_prices`: what it costs for vehicles of these sizes, instead of its price times the size's multiplier."""

    name: Name
    price_cents: Price
    duration_minutes: Annotated[StrictInt, Field(ge=MIN_MINUTES, le=MAX_MINUTES)]
    included: list[Name] = Field(default=[], max_length=MAX_INCLUDED)
    active: StrictBool = True
    size_prices: Annotated[list[SizePriceRequest], AfterValidator(_each_size_once)] = Field(
        default=[], max_length=len(SizeClass)
    )

    def draft(self) -> TierDraft:
        own = {price.size_class: price.price_cents for price in self.size_prices}
        return TierDraft(**({"id": None} | self.model_dump() | {"size_prices": own}))


class TierRequest(NewTierRequest):
    """With its id it stays the tier it is; without, it is a new one."""

    id: Id | None = None


class ServiceRequest(Body):
    category: Category
    name: Name
    description: Text = ""
    active: StrictBool = True
    tiers: list[NewTierRequest] = Field(min_length=1, max_length=MAX_TIERS)
    photo_urls: Photos = Field(default=[])


class ServiceChangeRequest(Body):
    """The whole service as it is to be, but for its photos; tiers in their order, those not sent are removed."""

    category: Category
    name: Name
    description: Text
    active: StrictBool
    tiers: list[TierRequest] = Field(min_length=1, max_length=MAX_TIERS)


class ActiveRequest(Body):
    active: StrictBool


class PhotosRequest(Body):
    """All of them, in their order."""

    photo_urls: Photos


class ServicesOrderRequest(Body):
    """All services of the affiliate, each once, in their order."""

    service_ids: list[Id] = Field(max_length=MAX_SERVICES)


class SizePriceView(View):
    size_class: SizeClass
    price_cents: int


class TierView(View):
    id: int
    name: str
    price_cents: int
    duration_minutes: int
    included: list[str]
    active: bool
    size_prices: list[SizePriceView]


class ServiceView(View):
    """A service as its own people see it, with tiers that are not offered at present."""

    id: int
    version: int
    affiliate_id: int
    category: str
    name: str
    description: str
    active: bool
    position: int
    tiers: list[TierView] = Field(validation_alias="current_tiers")
    photo_urls: list[str]
    created_at: datetime
    updated_at: datetime


class OfferView(ServiceView):
    """A service as the public sees it."""

    tiers: list[TierView] = Field(validation_alias="offered_tiers")


class ServicesView(View):
    items: list[ServiceView | OfferView]
