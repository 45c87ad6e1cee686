"""Another time for an appointment."""

from datetime import UTC

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import (
    BookingChargeCalledOff,
    BookingChargeDue,
    BookingMoveProposed,
    BookingRescheduled,
)
from shared.db import enforced_by
from shared.outbox import record
from shared.places import find_place
from shared.terms import PaymentMode

from ..domain.booking import NO_OVERLAP, Booking, SlotTaken
from ..domain.life import Status
from ..domain.offer import Offer, Sale
from ..domain.tour import Stop
from ..queries.offers import get_offer
from ..queries.promotions import promotion_of
from ..schemas.bookings import ProposalRequest, RescheduleRequest
from .holding import free_slot, lock_booking
from .settlement import give_back_excess


async def propose_time(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, wanted: ProposalRequest
) -> Booking:
    """One that is free now; whether it still is, is seen when the customer takes it."""
    booking = await lock_booking(session, actor, booking_id, version)
    start = wanted.starts_at.astimezone(UTC)
    booking.propose(actor, start, now())
    offer = await get_offer(session, booking.tier_id)
    await free_slot(session, offer, start, booking.stop, moved=booking.id)
    record(session, BookingMoveProposed.of(booking))
    return booking


async def reschedule_booking(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, wanted: RescheduleRequest
) -> Booking:
    """The same booking at another time, at today's price where the price list makes it. What was paid stays; what is
    missing is charged, and what is too much goes back."""
    booking = await lock_booking(session, actor, booking_id, version)
    start = wanted.starts_at.astimezone(UTC)
    booking.must_be_movable(actor, start, now())
    offer = await get_offer(session, booking.tier_id)
    sale = None if start == booking.proposed_start else await _priced_anew(session, offer, booking)
    if sale:
        sale.must_cost(wanted.price_cents, booking.currency)
    minutes = sale.price.duration_minutes if sale else booking.stop.minutes
    slot = await free_slot(session, offer, start, Stop(minutes, booking.stop.place), moved=booking.id)
    previous = booking.appointment_start
    more = booking.reschedule(actor, slot, sale.price if sale else None, now())
    with enforced_by(NO_OVERLAP, SlotTaken):
        await session.flush()
    record(session, BookingRescheduled.of(booking, previous_start=previous))
    settle(session, booking, more, "reschedule")
    return booking


async def _priced_anew(session: AsyncSession, offer: Offer, booking: Booking) -> Sale | None:
    """None where what was agreed stays: before it is paid, by a quote, with a deposit, at the door."""
    job = booking.job
    if job is None or booking.status is not Status.CONFIRMED or booking.payment_mode != PaymentMode.FULL:
        return None
    place, found = find_place(booking.zip), await promotion_of(session, booking)
    distance_m = offer.affiliate.distance_m(place) if place else None
    return offer.sell(job.model_copy(update={"distance_m": distance_m}), found.promotion if found else None)


def settle(session: AsyncSession, booking: Booking, more: int, charge_for: str) -> None:
    """A price that is another by now. What was asked for before and is not paid may be too much: it is called off, and
    what is missing asked for anew."""
    if more < 0 < booking.missing_cents - more:
        booking.settle_more()
        record(session, BookingChargeCalledOff.of(booking))
        more = booking.missing_cents
    if more > 0:
        booking.settle_more()
        record(session, BookingChargeDue.of(booking, charge_cents=more, charge_for=charge_for))
    else:
        give_back_excess(session, booking)
