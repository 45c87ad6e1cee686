"""Quotes, and what is said about them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StrictInt

from shared.auth import Actor
from shared.http import Body, Cents, Id, Line, Moment, Text, View
from shared.photos import PhotoUrls
from shared.pricing import LineItem, LineKind
from shared.vehicles import Condition, SizeClass

from ..domain.life import Party
from ..domain.quote import MAX_ASKED, MAX_LINES, MAX_PHOTOS, MAX_WISHES, Author, Quote
from ..domain.quote_life import QuoteStatus


def _each_once(ids: list[int]) -> list[int]:
    if len(set(ids)) < len(ids):
        raise ValueError("names a tier twice")
    return ids


def _says_something(text: str) -> str:
    if not text.strip():
        raise ValueError("says nothing")
    return text


def _in_utc(moments: list[datetime]) -> list[datetime]:
    return [moment.astimezone(UTC) for moment in moments]


class QuoteRequest(Body):
    """`tier_ids` says who is asked for what: each is another affiliate's. `vehicle` is it in the customer's words."""

    tier_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_ASKED), AfterValidator(_each_once)]
    size_class: SizeClass = SizeClass.SEDAN
    condition: Condition = Condition.NORMAL
    vehicle: Line | None = None
    photo_urls: PhotoUrls = Field(default=[], max_length=MAX_PHOTOS)
    address: Line
    zip: str = Field(pattern=r"^[0-9]{5}$")
    wished_times: Annotated[list[Moment], AfterValidator(_in_utc)] = Field(default=[], max_length=MAX_WISHES)
    budget_cents: Cents | None = None
    description: Text = ""

    @property
    def asked(self) -> dict[str, Any]:
        """What is the same for all that are asked."""
        same = {name: getattr(self, name) for name in type(self).model_fields if name != "tier_ids"}
        return same | {"vehicle": self.vehicle or ""}


class QuoteLineRequest(Body):
    """Tax is no line of an affiliate's: we work it out."""

    kind: Literal[LineKind.SERVICE, LineKind.SIZE, LineKind.CONDITION, LineKind.ADD_ON, LineKind.TRAVEL] = (
        LineKind.SERVICE
    )
    label: Line
    amount_cents: Cents


class QuotePriceRequest(Body):
    """What the job costs and how long it takes, good until then."""

    lines: list[QuoteLineRequest] = Field(min_length=1, max_length=MAX_LINES)
    duration_minutes: StrictInt = Field(ge=1, le=1440)
    valid_until: Moment
    note: Text = ""

    @property
    def items(self) -> list[LineItem]:
        return [LineItem(kind=line.kind, label=line.label, amount_cents=line.amount_cents) for line in self.lines]


class QuoteEndRequest(Body):
    reason: Text = ""


class AcceptRequest(Body):
    starts_at: Moment


class MessageRequest(Body):
    body: Annotated[Text, AfterValidator(_says_something)]


class QuoteView(View):
    """`lines` add up to `price_cents`, and `tax_cents` is part of it; null and none until there is a price. `address`
    is null for an affiliate's team: the booking tells it, once it is paid. `valid_until` is until when the quote can be
    priced, and accepted once it is."""

    id: int
    version: int
    request_id: UUID
    status: QuoteStatus
    customer_id: int
    affiliate_id: int
    service_id: int
    tier_id: int
    service_name: str
    tier_name: str
    size_class: SizeClass
    condition: Condition
    vehicle: str
    photo_urls: list[str]
    address: str | None
    zip: str
    wished_times: list[datetime]
    budget_cents: int | None
    description: str
    lines: list[LineItem]
    price_cents: int | None
    tax_cents: int
    currency: str
    duration_minutes: int | None
    valid_until: datetime
    note: str
    reason: str | None
    booking_id: int | None
    created_at: datetime
    updated_at: datetime


class QuoteRequestView(View):
    """One quote of each affiliate that was asked."""

    request_id: UUID
    customer_id: int
    quotes: list[QuoteView]


class MessageView(View):
    id: int
    quote_id: int
    customer_id: int
    author: Author
    author_user_id: int | None
    body: str
    created_at: datetime


def quote_view(quote: Quote, actor: Actor) -> QuoteView:
    """Where somebody lives is told to those who come there."""
    view = QuoteView.model_validate(quote)
    knows = actor.is_staff or quote.party(actor) is Party.CUSTOMER
    return view if knows else view.model_copy(update={"address": None})
