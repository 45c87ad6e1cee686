"""An appointment and its life."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor
from shared.db import Aggregate, kept, words
from shared.errors import Conflict, Forbidden, NotFound
from shared.money import share
from shared.places import find_place
from shared.pricing import LineItem
from shared.terms import PaymentMode
from shared.vehicles import Condition, SizeClass

from . import Base
from .availability import Crew
from .offer import Offer, Sale, Visit
from .slots import Slot
from .tour import Stop

NO_OVERLAP = "bookings_no_overlap"
EARLY = timedelta(hours=1)
PAID_TOO_LATE = (
    "The payment came after the hold had expired, and the time was taken or had passed, or the promotion was used up."
)


class Status(StrEnum):
    HELD = "held"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ACTIVE = (
    Status.HELD,
    Status.CONFIRMED,
)  # a booking in these states keeps its crew; the exclusion constraint says the same


GONE = (Status.CANCELLED, Status.EXPIRED)


class SlotTaken(Conflict):
    """This time is already booked."""


class SlotNotOffered(Conflict):
    """This time is not offered: outside the opening hours, in the past, too soon, too far ahead or off the grid."""


class TooManyHolds(Conflict):
    """You hold as many unpaid bookings as you may, `most`. Pay or cancel one of them first."""


class CustomerGone(Forbidden):
    """Your account is closed: nothing can be booked with it."""


class NoSuchBooking(NotFound):
    """There is no such booking, or it is not yours to see."""


class TooLateToCancel(Conflict):
    """This booking can no longer be cancelled."""


class NotYetDone(Conflict):
    """A booking can be completed from an hour before it begins, once it is confirmed."""


class Booking(Aggregate, Base, kw_only=True):
    """One appointment. Price, commission and policy are those of the moment it was made."""

    __tablename__ = "bookings"

    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    crew_id: Mapped[int]
    service_id: Mapped[int]
    tier_id: Mapped[int]
    service_name: Mapped[str]
    tier_name: Mapped[str]
    status: Mapped[Status] = mapped_column(words(Status))
    appointment_start: Mapped[datetime]
    appointment_end: Mapped[datetime]
    blocked: Mapped[Any] = mapped_column(TSTZRANGE)
    timezone: Mapped[str]
    address: Mapped[str]
    zip: Mapped[str]
    price_cents: Mapped[int]
    commission_cents: Mapped[int]
    currency: Mapped[str]
    lines: Mapped[list[LineItem]] = mapped_column(kept(list[LineItem]), default_factory=list)
    tax_cents: Mapped[int] = mapped_column(default=0)
    size_class: Mapped[SizeClass | None] = mapped_column(words(SizeClass), default=None)
    condition: Mapped[Condition | None] = mapped_column(words(Condition), default=None)
    promotion_id: Mapped[int | None] = mapped_column(default=None)
    quote_id: Mapped[int | None] = mapped_column(default=None)
    free_until: Mapped[datetime]
    late_fee_cents: Mapped[int]
    hold_expires_at: Mapped[datetime]
    paid_cents: Mapped[int] = mapped_column(default=0)
    refund_cents: Mapped[int] = mapped_column(default=0)
    payment_mode: Mapped[PaymentMode] = mapped_column(words(PaymentMode), default=PaymentMode.FULL)
    deposit_cents: Mapped[int | None] = mapped_column(default=None)
    cancelled_by: Mapped[str | None] = mapped_column(default=None)
    cancel_reason: Mapped[str | None] = mapped_column(default=None)

    @classmethod
    def hold(cls, customer_id: int, offer: Offer, slot: Slot, sale: Sale, visit: Visit) -> Self:
        """Take the slot until it is paid, or until the hold runs out."""
        tier, config, policy, price = offer.tier, offer.config, offer.policy, sale.price
        mode, deposit_cents = offer.way_to_pay(price.total_cents)
        return cls(
            customer_id=customer_id,
            affiliate_id=tier.affiliate_id,
            crew_id=slot.crew.id,
            service_id=tier.service_id,
            tier_id=tier.tier_id,
            service_name=tier.service_name,
            tier_name=tier.tier_name,
            status=Status.HELD,
            appointment_start=slot.starts_at,
            appointment_end=slot.ends_at,
            blocked=Range(*slot.crew.blocked(slot.starts_at, price.duration_minutes), bounds="[)"),
            timezone=offer.affiliate.timezone,
            address=visit.address,
            zip=visit.zip,
            quote_id=visit.quote_id,
            payment_mode=mode,
            deposit_cents=deposit_cents,
            price_cents=price.total_cents,
            commission_cents=share(price.commissionable_cents, offer.commission_bp),
            currency=config.currency,
            lines=price.lines,
            tax_cents=price.tax_cents,
            size_class=sale.job.size_class,
            condition=sale.job.condition,
            promotion_id=sale.promotion.promotion_id if sale.promotion else None,
            free_until=slot.starts_at - timedelta(hours=policy.free_cancellation_hours),
            late_fee_cents=share(price.total_cents, policy.late_cancellation_fee_bp),
            hold_expires_at=min(offer.at + timedelta(minutes=config.hold_minutes), slot.starts_at),
        )

    @property
    def stop(self) -> Stop:
        """What is to be done, as a schedule asks for it."""
        length = self.appointment_end - self.appointment_start
        return Stop(int(length.total_seconds()) // 60, find_place(self.zip))

    def block(self, crew: Crew) -> None:
        """Keep this crew, with the buffers that it needs now."""
        self.blocked = Range(*crew.blocked(self.appointment_start, self.stop.minutes), bounds="[)")

    def may_be_seen_by(self, actor: Actor) -> bool:
        return actor.customer_id == self.customer_id or actor.works_for(self.affiliate_id) or actor.is_staff

    def shows_address_to(self, actor: Actor) -> bool:
        return acting_as(actor, self) != "affiliate" or self.status in (Status.CONFIRMED, Status.COMPLETED)

    def confirm(self, paid_cents: int) -> None:
        """The money is here, or is the affiliate's to take at the door: the slot is the customer's."""
        self.paid_cents = paid_cents
        self._become(Status.CONFIRMED)

    def expire(self) -> None:
        self._become(Status.EXPIRED)

    def complete(self, at: datetime) -> None:
        if self.status is not Status.CONFIRMED or at < self.appointment_start - EARLY:
            raise NotYetDone(booking_status=self.status)
        self._become(Status.COMPLETED)

    def cancel(self, by: str, reason: str, at: datetime) -> None:
        """Cancel, and fix how much goes back: all of it, less the fee when the customer is late.

        After its end only staff can: a job that nobody came for must not keep the customer's money.
        """
        if self.status not in ACTIVE or (at >= self.appointment_end and by != "staff"):
            raise TooLateToCancel(booking_status=self.status)
        fee = self.late_fee_cents if by == "customer" and at > self.free_until else 0
        self._end(by, reason, refund_cents=max(self.paid_cents - fee, 0))

    def turn_away(self, paid_cents: int) -> None:
        """Paid too late, and the slot is no longer free or lies behind us: everything goes back."""
        self.paid_cents = paid_cents
        self._end("platform", PAID_TOO_LATE, refund_cents=paid_cents)

    def owe_back(self, paid_cents: int) -> None:
        """Money for a booking that was cancelled before it was paid: everything goes back."""
        self.paid_cents = self.refund_cents = paid_cents
        self.version += 1

    def take_more(self, cents: int) -> None:
        """So much more has come."""
        self.paid_cents += cents
        self.version += 1

    def owe_back_more(self, cents: int) -> None:
        """So much more has come, for a booking that is gone: it goes back, beside what is to go back already."""
        self.paid_cents += cents
        self.refund_cents += cents
        self.version += 1

    def _end(self, by: str, reason: str, *, refund_cents: int) -> None:
        self.cancelled_by, self.cancel_reason, self.refund_cents = by, reason, refund_cents
        self._become(Status.CANCELLED)

    def _become(self, status: Status) -> None:
        self.status = status
        self.version += 1


def acting_as(actor: Actor, booking: Booking) -> str:
    """In which capacity somebody who may see a booking acts on it: customer, affiliate or staff."""
    if actor.customer_id == booking.customer_id:
        return "customer"
    return "affiliate" if actor.works_for(booking.affiliate_id) else "staff"
