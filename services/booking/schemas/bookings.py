"""Appointments."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from shared.auth import Actor
from shared.http import Body, Cents, Line, Moment, Text, View
from shared.photos import PhotoUrls
from shared.pricing import LineItem, LineKind, Wanted
from shared.terms import PaymentMode
from shared.vehicles import Condition, SizeClass
from shared.wanted import JobRequest

from ..domain.booking import Booking
from ..domain.extras import MAX_EXTRA_MINUTES, MAX_EXTRAS
from ..domain.life import Status


class BookingRequest(JobRequest):
    """`price_cents`, if given, is the total that the customer saw: the booking is refused if it is another by now."""

    starts_at: Moment
    address: Line
    price_cents: Cents | None = None


class CancelRequest(Body):
    reason: Text = ""


class RescheduleRequest(Body):
    """`price_cents`, if given, is the total that the customer saw for the new time."""

    starts_at: Moment
    price_cents: Cents | None = None


class ProposalRequest(Body):
    starts_at: Moment


class ExtraRequest(Body):
    label: Line
    amount_cents: Annotated[Cents, Field(ge=1)]


class ExtrasRequest(Body):
    """What could be done beside; tax is no line of an affiliate's: we work it out."""

    lines: list[ExtraRequest] = Field(min_length=1, max_length=MAX_EXTRAS)
    minutes: StrictInt = Field(default=0, ge=0, le=MAX_EXTRA_MINUTES)

    @property
    def items(self) -> list[LineItem]:
        return [LineItem(kind=LineKind.ADD_ON, label=line.label, amount_cents=line.amount_cents) for line in self.lines]


class ExtrasAnswer(Body):
    """`price_cents` is what all of it costs with them: `price_cents` of the booking and the extras' amounts."""

    price_cents: Cents


class DepartureRequest(Body):
    """When the crew means to be there, if it knows."""

    eta: Moment | None = None


class CompletionRequest(Body):
    """What is to be seen and said of a job that is done."""

    photo_urls: PhotoUrls = Field(default=[], max_length=10)
    notes: Text | None = None


class BookingView(View):
    """`lines` add up to `price_cents`, and `tax_cents` is part of it. `address` is null for an affiliate's team until
    the booking is paid, and once it is off. `vehicle` are the vehicles in the customer's words, one a line;
    `size_class` and `condition` are the first one's. The crew begins up to `arrival_window_minutes` after
    `appointment_start`. `extras` are offered on top, with their tax, and not answered yet."""

    id: int
    version: int
    status: Status
    customer_id: int
    affiliate_id: int
    crew_id: int
    service_id: int
    tier_id: int
    service_name: str
    tier_name: str
    appointment_start: datetime
    appointment_end: datetime
    timezone: str
    address: str | None
    zip: str
    price_cents: int
    currency: str
    lines: list[LineItem]
    tax_cents: int
    size_class: SizeClass | None
    condition: Condition | None
    vehicles: list[Wanted]
    vehicle: str
    arrival_window_minutes: int
    extras: list[LineItem]
    extra_minutes: int
    promotion_id: int | None
    quote_id: int | None
    series_id: int | None
    free_until: datetime
    late_fee_cents: int
    hold_expires_at: datetime
    paid_cents: int
    refund_cents: int
    fee_cents: int
    payment_mode: PaymentMode
    deposit_cents: int | None
    cancelled_by: Literal["customer", "affiliate", "staff", "platform"] | None
    cancel_reason: str | None
    no_show_fee_cents: int
    proposed_start: datetime | None
    eta: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    photo_urls: list[str]
    notes: str | None
    created_at: datetime
    updated_at: datetime


def view_of(booking: Booking, actor: Actor) -> BookingView:
    """Where somebody lives is told to those who come there, not to whoever was nearly booked."""
    view = BookingView.model_validate(booking)
    return view if booking.shows_address_to(actor) else view.model_copy(update={"address": None})
