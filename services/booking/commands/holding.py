"""Taking a slot, and letting go of it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import BookingExpired, BookingHeld, BookingRequested
from shared.db import enforced_by
from shared.outbox import record
from shared.places import find_place, place_of
from shared.platform_config import Feature

from ..domain.booking import NO_OVERLAP, Booking, SlotNotOffered, SlotTaken, TooManyHolds
from ..domain.offer import Offer, Sale, Visit
from ..domain.slots import Slot
from ..domain.tour import Stop
from ..queries.bookings import booking_for, lapsed_holds
from ..queries.offers import lock_for_booking
from ..queries.promotions import promotion_called
from ..queries.slots import lock_schedule, schedule_of
from ..schemas.bookings import BookingRequest


async def take_slot(session: AsyncSession, actor: Actor, wanted: BookingRequest) -> Booking:
    """Hold a slot for a customer. Rules are applied anew, under the affiliate's lock: what was shown is no promise."""
    assert actor.customer_id is not None
    offer, holds = await lock_offer(session, wanted.tier_id, actor.customer_id)
    sale = await _sale(session, offer, actor.customer_id, wanted)
    sale.must_cost(wanted.price_cents, offer.config.currency)
    visit = Visit(wanted.starts_at.astimezone(UTC), wanted.address, wanted.zip, vehicle=wanted.described)
    return await hold_slot(session, actor.customer_id, offer, holds, sale, visit)


async def lock_offer(session: AsyncSession, tier_id: int, customer_id: int) -> tuple[Offer, int]:
    """The offer, if it can be booked at all, and the customer's open holds, locked."""
    offer, holds = await lock_for_booking(session, tier_id, customer_id)
    offer.config.must_be_on(Feature.BOOKINGS)
    offer.must_be_bookable()
    return offer, holds


async def lock_booking(session: AsyncSession, actor: Actor, booking_id: int, version: int | None) -> Booking:
    """One whose time may change: its affiliate's schedule is locked first, as by whoever takes a slot."""
    seen = await booking_for(session, actor, booking_id)
    await lock_schedule(session, seen.affiliate_id)
    session.expunge(seen)  # it may have become another while we waited, and is judged as it is now
    booking = await booking_for(session, actor, booking_id, lock=True)
    booking.expect(version)
    return booking


async def hold_slot(
    session: AsyncSession, customer_id: int, offer: Offer, holds: int, sale: Sale, visit: Visit
) -> Booking:
    """Whatever is sold, from a price list or by a quote, takes its time like this; under the lock of `lock_offer`.
    Who wants to say yes first is asked; not of a quote, to which they have."""
    if holds >= offer.config.max_open_holds:
        raise TooManyHolds(most=offer.config.max_open_holds)
    stop = Stop(sale.price.duration_minutes, find_place(visit.zip))
    slot = await free_slot(session, offer, visit.starts_at, stop)
    asked = offer.is_asked_for and visit.quote_id is None
    booking = (Booking.request if asked else Booking.hold)(customer_id, offer, slot, sale, visit)
    session.add(booking)
    with enforced_by(NO_OVERLAP, SlotTaken):
        await session.flush()
    record(session, (BookingRequested if asked else BookingHeld).of(booking))
    return booking


async def _sale(session: AsyncSession, offer: Offer, customer_id: int, wanted: BookingRequest) -> Sale:
    """What is asked for, at its price; a promotion is locked, so that no other booking gets its last use."""
    place = place_of(wanted.zip)
    offer.affiliate.must_come_to(place)
    promotion = None
    if wanted.promotion_code is not None:
        found = await promotion_called(session, wanted.promotion_code, offer.tier.affiliate_id, customer_id)
        found.must_apply_to(offer.tier)
        promotion = found.promotion
    return offer.sell(wanted.job(offer.affiliate.distance_m(place)), promotion)


async def free_slot(
    session: AsyncSession, offer: Offer, start: datetime, stop: Stop, *, moved: int | None = None
) -> Slot:
    """The slot that begins then; `SlotTaken` if only what crews have to do hides it, `SlotNotOffered` otherwise. One
    that is `moved` is not in its own way."""
    if not offer.earliest <= start <= offer.latest:
        raise SlotNotOffered
    day = start.astimezone(offer.affiliate.zone).date()
    schedule = await schedule_of(session, offer, day, day)
    if moved is not None:
        schedule = schedule.without(moved)
    slot = schedule.slot_at(start, stop)
    if slot is None:
        raise SlotTaken if schedule.is_only_busy(start, stop) else SlotNotOffered
    await expire_now(session, schedule.lapsed_in_the_way(slot.crew, start, stop.minutes))
    return slot


async def expire_now(session: AsyncSession, booking_ids: Sequence[int]) -> None:
    """End holds that ran out and that the job has not come to yet, so that their time can be given to another."""
    if booking_ids:
        expire(session, await lapsed_holds(session, booking_ids))
        await session.flush()


def expire(session: AsyncSession, bookings: Sequence[Booking]) -> None:
    for booking in bookings:
        booking.expire(now())
        record(session, BookingExpired.of(booking))
