"""What an affiliate says to those who ask for a time."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import BookingDeclined, BookingHeld
from shared.db import enforced_by
from shared.outbox import record

from ..domain.booking import NO_OVERLAP, Booking, SlotTaken
from ..domain.offer import Offer
from ..domain.slots import Schedule
from ..domain.tour import Stop
from ..queries.bookings import rivals_of
from ..queries.offers import get_offer
from ..queries.slots import schedule_of
from .holding import expire_now, lock_booking

LOOKED_AHEAD, TOLD = timedelta(days=7), 3
GONE_TO_ANOTHER = "The time went to another request."


async def accept_request(session: AsyncSession, actor: Actor, booking_id: int, version: int | None) -> Booking:
    """One of those who want a time gets it, if it is still free; who is left with nothing is told other times."""
    booking, offer, schedule = await _load(session, actor, booking_id, version)
    booking.must_be_acceptable(actor, now())
    slot = schedule.slot_at(booking.appointment_start, booking.stop)
    if slot is None:
        raise SlotTaken
    await expire_now(session, schedule.lapsed_in_the_way(slot.crew, slot.starts_at, booking.stop.minutes))
    booking.accept(actor, slot, now())
    with enforced_by(NO_OVERLAP, SlotTaken):
        await session.flush()
    record(session, BookingHeld.of(booking))
    await _tell_losers(session, booking, offer, schedule.with_taken(booking.as_taken))
    return booking


async def decline_request(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None, reason: str
) -> Booking:
    booking, offer, schedule = await _load(session, actor, booking_id, version)
    booking.decline(actor, reason, now())
    _tell(session, booking, offer, schedule)
    return booking


async def _load(
    session: AsyncSession, actor: Actor, booking_id: int, version: int | None
) -> tuple[Booking, Offer, Schedule]:
    """Under the affiliate's lock, with its schedule from that day on."""
    booking = await lock_booking(session, actor, booking_id, version)
    offer = await get_offer(session, booking.tier_id)
    day = booking.appointment_start.astimezone(offer.affiliate.zone).date()
    return booking, offer, await schedule_of(session, offer, day, day + LOOKED_AHEAD)


async def _tell_losers(session: AsyncSession, won: Booking, offer: Offer, schedule: Schedule) -> None:
    for rival in await rivals_of(session, won, lock=True):
        if schedule.slot_at(rival.appointment_start, rival.stop) is None:
            rival.decline(None, GONE_TO_ANOTHER, now())
            _tell(session, rival, offer, schedule)


def _tell(session: AsyncSession, booking: Booking, offer: Offer, schedule: Schedule) -> None:
    record(session, BookingDeclined.of(booking, other_times=_other_times(booking, offer, schedule)))


def _other_times(booking: Booking, offer: Offer, schedule: Schedule) -> Sequence[datetime]:
    """The first that are free, from the day that was asked for."""
    first: date = booking.appointment_start.astimezone(schedule.zone).date()
    return free_from(first, offer, schedule, booking.stop, but=booking.appointment_start)


def free_from(
    first: date, offer: Offer, schedule: Schedule, stop: Stop, *, but: datetime | None = None
) -> Sequence[datetime]:
    """Some times of the days from this one on that are free, but not one that is known not to do."""
    days = [first + timedelta(days=n) for n in range(LOOKED_AHEAD.days + 1)]
    free = schedule.slots(days, stop, offer.earliest, offer.latest)
    return list(islice((slot.starts_at for slot in free if slot.starts_at != but), TOLD))
