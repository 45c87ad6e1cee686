"""What is known of bookings."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.consumers import keep_newest
from shared.contracts.booking import BookingEvent

from ..domain.booking import Booking, NoSuchBooking

# Named, because an event may grow by fields that are not for us.
KEPT = {
    "booking_id", "version", "customer_id", "affiliate_id", "status", "price_cents", "currency", "payment_mode",
    "appointment_start", "appointment_end",
}  # fmt: skip


async def keep_booking(session: AsyncSession, event: BookingEvent) -> Booking:
    """The newest that is known, this event's or later; locked until the transaction ends, by whichever it was."""
    await keep_newest(session, Booking, event.model_dump(include=KEPT))
    booking = await session.get_one(Booking, event.booking_id)
    booking.note_end(now())
    return booking


async def lock_booking_for(session: AsyncSession, actor: Actor, booking_id: int) -> Booking:
    """A booking of this customer, as far as it is known."""
    booking = await session.get(Booking, booking_id, with_for_update=True)
    if booking is None or booking.customer_id != actor.customer_id:
        raise NoSuchBooking
    return booking
