"""Appointments."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.auth import Actor
from shared.http import Body, Cents, Id, Line, Moment, Text, View
from shared.photos import PhotoUrls
from shared.pricing import Job, LineItem
from shared.terms import PaymentMode
from shared.vehicles import Condition, SizeClass

from ..domain.booking import Booking
from ..domain.life import Status

Code = Annotated[Line, Field(max_length=50), AfterValidator(str.upper)]
MAX_ADD_ONS = 20


class BookingRequest(Body):
    """`price_cents`, if given, is the total that the customer saw: the booking is refused if it is another by now."""

    tier_id: Id
    starts_at: Moment
    address: Line
    zip: str = Field(pattern=r"^[0-9]{5}$")
    size_class: SizeClass = SizeClass.SEDAN
    condition: Condition = Condition.NORMAL
    add_on_ids: list[Id] = Field(default=[], max_length=MAX_ADD_ONS)
    promotion_code: Code | None = None
    price_cents: Cents | None = None

    def job(self, distance_m: int | None) -> Job:
        return Job(
            size_class=self.size_class, condition=self.condition, add_on_ids=self.add_on_ids, distance_m=distance_m
        )


class CancelRequest(Body):
    reason: Text = ""


class RescheduleRequest(Body):
    """`price_cents`, if given, is the total that the customer saw for the new time."""

    starts_at: Moment
    price_cents: Cents | None = None


class ProposalRequest(Body):
    starts_at: Moment


class DepartureRequest(Body):
    """When the crew means to be there, if it knows."""

    eta: Moment | None = None


class CompletionRequest(Body):
    """What is to be seen and said of a job that is done."""

    photo_urls: PhotoUrls = Field(default=[], max_length=10)
    notes: Text | None = None


class BookingView(View):
    """`lines` add up to `price_cents`, and `tax_cents` is part of it. `address` is null for an affiliate's team until
    the booking is paid, and once it is off."""

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
