"""What becomes of an appointment."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingEnRoute,
    BookingNoShow,
    BookingStarted,
)
from shared.outbox import record

from ..domain.booking import Booking
from ..queries.bookings import booking_for
from ..schemas.bookings import CompletionRequest, DepartureRequest


async def _load(session: AsyncSession, actor: Actor, booking_id: int, version: int | None) -> Booking:
    booking = await booking_for(session, actor, booking_id, lock=True)
    booking.expect(version)
    return booking


async def cancel_booking(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, reason: str
) -> Booking:
    """By the customer, by those who run the affiliate, or by an administrator: money may go back, so not by support."""
    booking = await _load(session, actor, booking_id, version)
    call_off(session, actor, booking, reason)
    return booking


def call_off(session: AsyncSession, actor: Actor, booking: Booking, reason: str) -> None:
    """One that is locked."""
    back = booking.cancel(actor, reason, now())
    record(session, BookingCancelled.of(booking, reason=reason, refund_cents=back))


async def set_out(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, wanted: DepartureRequest
) -> Booking:
    booking = await _load(session, actor, booking_id, version)
    booking.set_out(actor, wanted.eta, now())
    record(session, BookingEnRoute.of(booking))
    return booking


async def start_job(session: AsyncSession, actor: Actor, booking_id: int, version: int | None) -> Booking:
    booking = await _load(session, actor, booking_id, version)
    booking.start(actor, now())
    record(session, BookingStarted.of(booking))
    return booking


async def complete_booking(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, wanted: CompletionRequest
) -> Booking:
    booking = await _load(session, actor, booking_id, version)
    booking.complete(actor, wanted.photo_urls, wanted.notes, now())
    record(session, BookingCompleted.of(booking))
    return booking


async def miss_customer(session: AsyncSession, actor: Actor, booking_id: int, version: int | None) -> Booking:
    """Nobody was there: what was paid goes back, less the fee that the booking names."""
    booking = await _load(session, actor, booking_id, version)
    back = booking.miss(actor, now())
    record(session, BookingNoShow.of(booking, refund_cents=back))
    return booking
