"""What is added to an appointment at the door."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import BookingExtrasAgreed, BookingExtrasDropped, BookingExtrasOffered
from shared.db import enforced_by
from shared.outbox import record
from shared.pricing import taxed

from ..domain.booking import NO_OVERLAP, Booking
from ..domain.extras import NoTimeForExtras
from ..domain.offer import Offer
from ..queries.offers import get_offer
from ..queries.slots import schedule_of
from ..schemas.bookings import ExtrasAnswer, ExtrasRequest
from .holding import expire_now, lock_booking
from .rescheduling import settle


async def offer_extras(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, wanted: ExtrasRequest
) -> Booking:
    """In place of those that were offered before; the tax is added to them."""
    booking = await lock_booking(session, actor, booking_id, version)
    offer = await get_offer(session, booking.tier_id)
    booking.offer_extras(actor, taxed(wanted.items, offer.rules, wanted.minutes), now())
    await _find_time(session, booking, offer)
    record(session, BookingExtrasOffered.of(booking))
    return booking


async def agree_extras(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, wanted: ExtrasAnswer
) -> Booking:
    """The price goes up by them; they are charged on top."""
    booking = await lock_booking(session, actor, booking_id, version)
    booking.must_be_extendable(actor, wanted.price_cents, now())
    await _find_time(session, booking, await get_offer(session, booking.tier_id))
    more = booking.agree_extras(actor, wanted.price_cents, now())
    with enforced_by(NO_OVERLAP, NoTimeForExtras):
        await session.flush()
    record(session, BookingExtrasAgreed.of(booking))
    settle(session, booking, more, "extras")
    return booking


async def drop_extras(session: AsyncSession, actor: Actor, booking_id: int, version: int | None) -> Booking:
    """By either side: what was booked stays."""
    booking = await lock_booking(session, actor, booking_id, version)
    booking.refuse_extras(actor, now())
    record(session, BookingExtrasDropped.of(booking))
    return booking


async def _find_time(session: AsyncSession, booking: Booking, offer: Offer) -> None:
    """Refused unless the crew can stay so much longer."""
    if not booking.extra_minutes:
        return
    day = booking.appointment_start.astimezone(offer.affiliate.zone).date()
    schedule = (await schedule_of(session, offer, day, day)).without(booking.id)
    start, stop = booking.appointment_start, booking.extended_stop
    crew = schedule.crew_until(booking.crew_id, start, stop)
    if crew is None:
        raise NoTimeForExtras
    await expire_now(session, schedule.lapsed_in_the_way(crew, start, stop.minutes))
