"""What becomes of an appointment."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, AdminsOnly
from shared.clock import now
from shared.contracts.booking import BookingCancelled, BookingCompleted
from shared.outbox import record

from ..domain.booking import Booking, acting_as
from ..domain.offer import NotYourAffiliate
from ..queries.bookings import booking_for


async def cancel_booking(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, reason: str
) -> Booking:
    """By the customer, by those who run the affiliate, or by an administrator: money may go back, so not by support."""
    booking = await booking_for(session, actor, booking_id, lock=True)
    booking.expect(version)
    by = acting_as(actor, booking)
    if by == "affiliate" and not actor.runs(booking.affiliate_id):
        raise NotYourAffiliate
    if by == "staff" and not actor.is_admin:
        raise AdminsOnly
    booking.cancel(by, reason, now())
    record(session, BookingCancelled.of(booking, reason=reason))
    return booking


async def complete_booking(session: AsyncSession, actor: Actor, booking_id: int, version: int | None) -> Booking:
    booking = await booking_for(session, actor, booking_id, lock=True)
    booking.expect(version)
    if not (actor.works_for(booking.affiliate_id) or actor.is_admin):
        raise NotYourAffiliate
    booking.complete(now())
    record(session, BookingCompleted.of(booking))
    return booking
