"""An appointment and its life."""

from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import ARRAY, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor
from shared.db import Aggregate, kept, words
from shared.errors import Conflict, Forbidden, NotFound
from shared.money import share
from shared.pricing import Job, LineKind, Price, Wanted
from shared.vehicles import Condition, SizeClass

from . import Base
from .agenda import Taken
from .appointment import Appointment, blocked_by
from .extras import Extended
from .life import AGREED, UNDER_WAY, AlreadyAnswered, Party, Status, Step, TooLateToReschedule, after
from .offer import Offer, Sale, Visit
from .parties import Parties
from .slots import Slot
from .sold import Sold
from .tour import Stop

NO_OVERLAP = "bookings_no_overlap"
ANSWERED_WITHIN = timedelta(hours=48)
PAID_WITHIN = timedelta(hours=24)  # of a request that was accepted while its customer was elsewhere
PAID_TOO_LATE = (
    "The payment came after the hold had expired, and the time was taken or had passed, or the promotion was used up."
)


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


class Booking(Parties, Appointment, Sold, Extended, Aggregate, Base, kw_only=True):
    """One appointment. Price, commission and policy are those of the moment it was made."""

    __tablename__ = "bookings"

    service_id: Mapped[int]
    tier_id: Mapped[int]
    service_name: Mapped[str]
    tier_name: Mapped[str]
    status: Mapped[Status] = mapped_column(words(Status))
    size_class: Mapped[SizeClass | None] = mapped_column(words(SizeClass), default=None)
    condition: Mapped[Condition | None] = mapped_column(words(Condition), default=None)
    vehicles: Mapped[list[Wanted]] = mapped_column(kept(list[Wanted]), default_factory=list)
    vehicle: Mapped[str] = mapped_column(default="")
    arrival_window_minutes: Mapped[int] = mapped_column(default=0)
    promotion_id: Mapped[int | None] = mapped_column(default=None)
    quote_id: Mapped[int | None] = mapped_column(default=None)
    series_id: Mapped[int | None] = mapped_column(default=None)
    free_until: Mapped[datetime]
    hold_expires_at: Mapped[datetime]
    cancelled_by: Mapped[str | None] = mapped_column(default=None)
    cancel_reason: Mapped[str | None] = mapped_column(default=None)
    proposed_start: Mapped[datetime | None] = mapped_column(default=None)
    eta: Mapped[datetime | None] = mapped_column(default=None)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    completed_at: Mapped[datetime | None] = mapped_column(default=None)
    photo_urls: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    notes: Mapped[str | None] = mapped_column(default=None)

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
            blocked=blocked_by(slot),
            timezone=offer.affiliate.timezone,
            address=visit.address,
            zip=visit.zip,
            quote_id=visit.quote_id,
            series_id=visit.series_id,
            payment_mode=mode,
            deposit_cents=deposit_cents,
            price_cents=price.total_cents,
            commission_cents=share(price.commissionable_cents, offer.commission_bp),
            currency=config.currency,
            lines=price.lines,
            tax_cents=price.tax_cents,
            size_class=sale.job.vehicles[0].size_class,
            condition=sale.job.vehicles[0].condition,
            vehicles=sale.job.vehicles,
            vehicle=visit.vehicle,
            arrival_window_minutes=offer.arrival_window_minutes,
            promotion_id=sale.promotion.promotion_id if sale.promotion else None,
            free_until=slot.starts_at - timedelta(hours=policy.free_cancellation_hours),
            late_fee_cents=policy.late_fee_cents(price.total_cents),
            no_show_fee_cents=share(price.total_cents, policy.no_show_fee_bp),
            hold_expires_at=min(offer.at + (visit.held_for or timedelta(minutes=config.hold_minutes)), slot.starts_at),
        )

    @classmethod
    def request(cls, customer_id: int, offer: Offer, slot: Slot, sale: Sale, visit: Visit) -> Self:
        """Ask the affiliate for the slot; nothing is taken. The crew is the one that would come."""
        asked = cls.hold(customer_id, offer, slot, sale, visit)
        asked.status, asked.hold_expires_at = Status.REQUESTED, min(offer.at + ANSWERED_WITHIN, slot.starts_at)
        return asked

    @property
    def photos(self) -> str:
        """One text, as an event tells them: a URL on each line."""
        return "\n".join(self.photo_urls)

    def shows_address_to(self, actor: Actor) -> bool:
        return self.acting_as(actor) != "affiliate" or self.status in AGREED

    def must_be_acceptable(self, by: Actor, at: datetime) -> None:
        self._after(Step.ACCEPT, by, at)
        self._must_wait(at)

    def accept(self, by: Actor, slot: Slot, at: datetime) -> None:
        """The time is kept for the customer who asked for it, until they have paid."""
        self.must_be_acceptable(by, at)
        self._take(Step.ACCEPT, by, at)
        self.be_at(slot)
        self.hold_expires_at = min(at + PAID_WITHIN, self.appointment_start)

    def decline(self, by: Actor | None, reason: str, at: datetime) -> None:
        """By the platform (None) when another request got the time."""
        if by is not None:
            self._after(Step.DECLINE, by, at)
            self._must_wait(at)
        self._take(Step.DECLINE, by, at)
        self.cancel_reason = reason

    def _must_wait(self, at: datetime) -> None:
        if at >= self.hold_expires_at:
            raise AlreadyAnswered(booking_status=self.status)

    @property
    def as_taken(self) -> Taken:
        """As a schedule sees it."""
        start, end = self.appointment_start, self.appointment_end
        kept = (self.crew_id, self.id, self.blocked_from, self.blocked_until)
        return Taken(*kept, begins=start, ends=end, place=self.stop.place)

    def confirm(self, paid_cents: int, at: datetime) -> None:
        """The money is here, or is the affiliate's to take at the door: the slot is the customer's."""
        self._take(Step.CONFIRM, None, at)
        self.paid_cents = paid_cents

    def expire(self, at: datetime) -> None:
        self._take(Step.EXPIRE, None, at)

    def propose(self, by: Actor, start: datetime, at: datetime) -> None:
        """Ask the customer to come to another time; until they do, nothing is taken there and nothing is let go."""
        self._take(Step.PROPOSE, by, at)
        self.proposed_start = start

    def must_be_movable(self, by: Actor, start: datetime, at: datetime) -> None:
        self._after(Step.RESCHEDULE, by, at)
        ran_out = self.status is Status.HELD and at >= self.hold_expires_at
        if ran_out or (at > self.free_until and start != self.proposed_start):
            raise TooLateToReschedule(booking_status=self.status)

    def reschedule(self, by: Actor, slot: Slot, price: Price | None, at: datetime) -> int:
        """Another time, in one step: there is no moment in which it has both or neither. Says how much more it costs
        than before, less than nothing if it costs less; `price` None: what was agreed stays.

        It can be cancelled for nothing as long before as it could; only until then its customer moves it unasked.
        """
        self.must_be_movable(by, slot.starts_at, at)
        self._take(Step.RESCHEDULE, by, at)
        self.free_until += slot.starts_at - self.appointment_start
        self.be_at(slot)
        self.proposed_start = None
        self.hold_expires_at = min(self.hold_expires_at, slot.starts_at)
        return self.cost_anew(price) if price else 0

    @property
    def job(self) -> Job | None:
        """What was bought by the price list, to be priced anew; None where it is not known or anything was agreed."""
        agreed = self.quote_id is not None or any(
            line.kind is LineKind.ADD_ON and not line.add_on_id for line in self.lines
        )
        return None if agreed or not self.vehicles else Job(vehicles=self.vehicles)

    def offer_extras(self, by: Actor, price: Price, at: datetime) -> None:
        self._take(Step.OFFER_EXTRAS, by, at)
        self.keep_extras(price, self.price_cents)

    def must_be_extendable(self, by: Actor, seen_cents: int, at: datetime) -> None:
        self._after(Step.AGREE_EXTRAS, by, at)
        self.with_extras(self.lines, seen_cents)

    def agree_extras(self, by: Actor, seen_cents: int, at: datetime) -> int:
        """Says how much more it costs."""
        self._take(Step.AGREE_EXTRAS, by, at)
        price = self.with_extras(self.lines, seen_cents)
        self.last_longer(timedelta(minutes=self.extra_minutes))
        self.forget_extras()
        return self.cost_anew(price)

    def refuse_extras(self, by: Actor, at: datetime) -> None:
        self._take(Step.DROP_EXTRAS, by, at)
        self.drop_extras()

    @property
    def extended_stop(self) -> Stop:
        """With what is offered on top."""
        return Stop(self.stop.minutes + self.extra_minutes, self.stop.place)

    def set_out(self, by: Actor, eta: datetime | None, at: datetime) -> None:
        """The crew is on its way, to be there at `eta`."""
        self._take(Step.SET_OUT, by, at)
        self.eta = eta

    def start(self, by: Actor, at: datetime) -> None:
        self._take(Step.START, by, at)
        self.started_at = at

    def complete(self, by: Actor, photo_urls: list[str], notes: str | None, at: datetime) -> None:
        self._take(Step.COMPLETE, by, at)
        self.completed_at, self.photo_urls, self.notes = at, photo_urls, notes
        self.forget_extras()

    def miss(self, by: Actor, at: datetime) -> int:
        """The crew was there and the customer was not: less the fee, what was paid goes back; says how much now."""
        self._take(Step.MISS, by, at)
        self.forget_extras()
        return self.end_for(self.no_show_fee_cents)

    def cancel(self, by: Actor, reason: str, at: datetime) -> int:
        """Cancel, and say how much goes back now: all that did not yet, less the fee when the customer is late.

        After its end only an administrator can: a job that nobody came for must not keep the customer's money.
        """
        was_agreed, capacity = self.status in UNDER_WAY, self.acting_as(by)
        self._take(Step.CANCEL, by, at)
        is_late = was_agreed and capacity == "customer" and at > self.free_until
        self.cancelled_by, self.cancel_reason = capacity, reason
        self.forget_extras()
        return self.end_for(self.late_fee_cents if is_late else 0)

    def turn_away(self, paid_cents: int, at: datetime) -> None:
        """Paid too late, and the slot is no longer free or lies behind us: everything goes back."""
        self._take(Step.TURN_AWAY, None, at)
        self.paid_cents = self.refund_cents = paid_cents
        self.cancelled_by, self.cancel_reason = "platform", PAID_TOO_LATE

    def _take(self, step: Step, by: Actor | None, at: datetime) -> None:
        """`by` None: the platform."""
        self.status = self._after(step, by, at)
        self.version += 1

    def _after(self, step: Step, by: Actor | None, at: datetime) -> Status:
        return after(
            step,
            self.status,
            self.capacities(by) if by else frozenset({Party.PLATFORM}),
            at=at,
            start=self.appointment_start,
            end=self.appointment_end,
        )
