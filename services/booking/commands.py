"""Every change of booking: load, decide, announce."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, AdminsOnly
from shared.clock import now
from shared.contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingExpired,
    BookingHeld,
    BookingRefundDue,
    FreeDaysChanged,
)
from shared.contracts.payments import PaymentCaptured
from shared.db import enforced_by
from shared.outbox import record
from shared.personal import is_erased
from shared.places import place_of
from shared.platform_config import Feature

from .domain.availability import WINDOW_MAKES_SENSE, WINDOWS_NO_OVERLAP, Availability, WindowsOverlap
from .domain.booking import (
    NO_OVERLAP,
    Booking,
    SlotNotOffered,
    SlotTaken,
    Status,
    TooManyHolds,
    acting_as,
)
from .domain.free_days import FreeDays
from .domain.offer import Affiliate, NotYourAffiliate, Offer, Sale
from .domain.slots import Slot
from .queries.bookings import booking_for, get_booking, lapsed_holds
from .queries.free_days import calendars_of, claim_free_days
from .queries.offers import get_affiliate, lock_for_booking
from .queries.promotions import promotion_called, promotion_of
from .queries.slots import crews_and_taken, lock_schedule, schedule_of
from .schemas import AvailabilityRequest, BookingRequest


async def set_availability(
    session: AsyncSession, actor: Actor, affiliate_id: int, wanted: AvailabilityRequest
) -> Affiliate:
    """Replace the weekly windows. Bookings that stand are kept."""
    if not (actor.runs(affiliate_id) or actor.is_staff):
        raise NotYourAffiliate
    affiliate = await get_affiliate(session, affiliate_id)
    await lock_schedule(session, affiliate_id)
    await session.execute(delete(Availability).where(Availability.affiliate_id == affiliate_id))
    session.add_all(
        Availability(affiliate_id=affiliate_id, weekday=w.weekday, opens_minute=w.opens, closes_minute=w.closes)
        for w in wanted.windows
    )
    with enforced_by(WINDOWS_NO_OVERLAP, WindowsOverlap), enforced_by(WINDOW_MAKES_SENSE, WindowsOverlap):
        await session.flush()
    await note_schedule_change(session, affiliate_id)
    return affiliate


async def take_slot(session: AsyncSession, actor: Actor, wanted: BookingRequest) -> Booking:
    """Hold a slot for a customer. Rules are applied anew, under the affiliate's lock: what was shown is no promise."""
    assert actor.customer_id is not None
    offer, holds = await lock_for_booking(session, wanted.tier_id, actor.customer_id)
    offer.config.must_be_on(Feature.BOOKINGS)
    offer.must_be_bookable()
    sale = await _sale(session, offer, actor.customer_id, wanted)
    sale.must_cost(wanted.price_cents, offer.config.currency)
    if holds >= offer.config.max_open_holds:
        raise TooManyHolds(most=offer.config.max_open_holds)
    slot = await _free_slot(session, offer, wanted.starts_at.astimezone(UTC), sale.price.duration_minutes)
    booking = Booking.hold(actor.customer_id, offer, slot, sale, address=wanted.address, zip=wanted.zip)
    session.add(booking)
    with enforced_by(NO_OVERLAP, SlotTaken):
        await session.flush()
    record(session, BookingHeld.of(booking))
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


async def _free_slot(session: AsyncSession, offer: Offer, start: datetime, minutes: int) -> Slot:
    """The slot that begins then; `SlotNotOffered` if the rules never allow it, `SlotTaken` if no crew is free."""
    if not offer.earliest <= start <= offer.latest:
        raise SlotNotOffered
    day = start.astimezone(offer.affiliate.zone).date()
    schedule = await schedule_of(session, offer.affiliate, day, day)
    if start not in schedule.starts([day], minutes):
        raise SlotNotOffered
    crew = schedule.free_crew(start, minutes)
    if crew is None:
        raise SlotTaken
    await _expire_now(session, schedule.lapsed_in_the_way(crew, start, minutes))
    return Slot(start, start + timedelta(minutes=minutes), crew)


async def _expire_now(session: AsyncSession, booking_ids: Sequence[int]) -> None:
    """End holds that ran out and that the job has not come to yet, so that their time can be given to another."""
    if booking_ids:
        expire(session, await lapsed_holds(session, booking_ids))
        await session.flush()


def expire(session: AsyncSession, bookings: Sequence[Booking]) -> None:
    for booking in bookings:
        booking.expire()
        record(session, BookingExpired.of(booking))


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


async def settle_payment(session: AsyncSession, paid: PaymentCaptured) -> None:
    """The money has come: confirm; too late, take the slot again if it is free, else send the money back.

    Early (the booking is always committed before payments can hear of it) it cannot come; twice changes nothing.
    Once the appointment should have begun it is too late, whether or not the job has ended the hold by then; and once
    the hold ran out and others have used its promotion up.
    """
    await lock_schedule(session, paid.affiliate_id)
    booking = await get_booking(session, paid.booking_id, lock=True)
    at_its_price = not await _lost_its_promotion(session, booking)
    if booking.status is Status.HELD and now() < booking.appointment_start and at_its_price:
        booking.confirm(paid.amount_cents)
        record(session, BookingConfirmed.of(booking))
    elif booking.status in (Status.HELD, Status.EXPIRED):
        await _take_again(session, booking, paid.amount_cents, at_its_price)
    elif booking.status is Status.CANCELLED and booking.paid_cents < paid.amount_cents:
        booking.owe_back(paid.amount_cents)
        record(session, BookingRefundDue.of(booking))


async def _lost_its_promotion(session: AsyncSession, booking: Booking) -> bool:
    promotion = await promotion_of(session, booking)
    return promotion is not None and promotion.at >= booking.hold_expires_at and promotion.is_used_up


async def _take_again(session: AsyncSession, booking: Booking, paid_cents: int, at_its_price: bool) -> None:
    _, taken = await crews_and_taken(session, booking.affiliate_id, booking.blocked)
    others = [other for other in taken if other.crew_id == booking.crew_id]
    gone = await is_erased(session, f"customer:{booking.customer_id}")
    free = booking.appointment_start > now() and not any(not other.lapsed for other in others)
    if gone or not free or not at_its_price:
        booking.turn_away(paid_cents)
        record(session, BookingCancelled.of(booking, reason=booking.cancel_reason))
        return
    await _expire_now(session, [other.booking_id for other in others])
    booking.confirm(paid_cents)
    record(session, BookingConfirmed.of(booking))


async def note_schedule_change(session: AsyncSession, affiliate_id: int) -> None:
    """Have its free days looked at; locked, even if that is due anyway: not before this transaction has ended."""
    row = insert(FreeDays).values(affiliate_id=affiliate_id, due_at=func.now())
    later = FreeDays.due_at > func.now()
    again = row.on_conflict_do_update(index_elements=["affiliate_id"], set_={"due_at": func.now()}, where=later)
    await session.execute(again)


async def note_change_for_all(session: AsyncSession) -> None:
    """The same for every affiliate."""
    await session.execute(update(FreeDays).values(due_at=func.now()))


async def tell_free_days(session: AsyncSession, *, limit: int) -> bool:
    """Look at affiliates that are due, and tell of those of which something else was told. False: none was due."""
    if not (due := await claim_free_days(session, limit=limit)):
        return False
    calendars = await calendars_of(session, [told.affiliate_id for told in due])
    for told in due:
        if told.become(calendars.get(told.affiliate_id)):
            record(session, FreeDaysChanged.of(told))
    await session.flush()
    return True
