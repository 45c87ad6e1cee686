"""The visits of series: booked ahead of their time, each day of a series once; left out; taken at another time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import (
    SeriesEnded,
    SeriesPaused,
    SeriesVisitBooked,
    SeriesVisitEvent,
    SeriesVisitMissed,
    SeriesVisitSkipped,
)
from shared.db import enforced_by
from shared.errors import Refusal
from shared.outbox import record
from shared.platform_config import Feature, SwitchedOff
from shared.tasks import Outside

from ..domain.booking import Booking, TooManyHolds
from ..domain.life import GONE
from ..domain.offer import Offer, Sale, Visit
from ..domain.series import FURTHEST, PAID_WITHIN, PausedBy, Series, SeriesStatus
from ..domain.visits import (
    NO_SUCH_TIME,
    ONE_A_DAY,
    PAID_BEFORE,
    NoSuchVisit,
    SeriesVisit,
    VisitIsSeenTo,
    VisitOutcome,
    are_unpaid,
)
from ..queries.bookings import get_booking
from ..queries.offers import lock_for_booking
from ..queries.promotions import promotion_with
from ..queries.series import claim_due, find_going, find_visit, get_series, latest_of, series_for
from ..queries.slots import schedule_of
from ..schemas.series import VisitRequest
from . import tasks
from .holding import expire_now, hold_slot, lock_offer
from .requests import LOOKED_AHEAD, free_from

AT_ONCE = 50  # days of one series that one call sees to
LATER = timedelta(minutes=10)


async def see_to_due_series(session: AsyncSession, *, limit: int) -> None:
    for series_id in await claim_due(session, limit=limit):
        tasks.enqueue(session, book_visits, series_id=series_id)


@tasks.call
async def book_visits(outside: Outside, series_id: int) -> None:
    """Each day in a transaction of its own. Called again, or twice at once, it finds under the lock of the series what
    was seen to."""
    for _ in range(AT_ONCE):
        async with outside.begin() as session:
            if not await see_to_next_visit(session, series_id):
                break


async def see_to_next_visit(session: AsyncSession, series_id: int) -> bool:
    """Says whether there may be another to see to."""
    if (locked := await find_going(session, series_id)) is None:
        return False
    offer, holds = await lock_for_booking(session, *locked)
    series = await get_series(session, series_id, lock=True)
    if series.status is SeriesStatus.PAUSED and series.is_past(offer.at):
        _end_by_itself(session, series)
    if series.status is not SeriesStatus.ACTIVE or series.must_wait(offer):
        return False
    if series.next_on is None:
        _end_by_itself(session, series)
        return False
    if await find_visit(session, series.id, series.next_on) is None and not await _see_to(
        session, series, offer, holds
    ):
        return False
    series.pass_on(offer.at)
    return True


def _end_by_itself(session: AsyncSession, series: Series) -> None:
    series.run_out(now())
    record(session, SeriesEnded.of(series))


async def _see_to(session: AsyncSession, series: Series, offer: Offer, holds: int) -> bool:
    """Book it, or say why not; False if it has to wait, until another visit is paid at the longest."""
    latest = await latest_of(session, series)
    if not offer.is_asked_for and are_unpaid(latest):
        series.pause(PausedBy.UNPAID)
        record(session, SeriesPaused.of(series))
        return False
    assert series.next_on is not None
    start = series.moment(series.next_on)
    if start is None:
        await _miss(session, series, offer, NO_SUCH_TIME)
        return True
    if any(one.waits for one in latest) and start > offer.earliest:
        series.wait(offer.at + LATER)
        return False
    return await _book(session, series, offer, holds, start, latest[0].price_cents if latest else series.price_cents)


async def _book(
    session: AsyncSession, series: Series, offer: Offer, holds: int, start: datetime, previous_cents: int
) -> bool:
    try:
        async with session.begin_nested():
            booking = await _hold(session, series, offer, holds, start)
    except Refusal as why:
        if isinstance(why, (TooManyHolds, SwitchedOff)) and start > offer.earliest:
            series.wait(offer.at + LATER)
            return False
        await _miss(session, series, offer, why.code)
    else:
        assert series.next_on is not None
        visit = SeriesVisit(series_id=series.id, on_date=series.next_on, status=VisitOutcome.BOOKED)
        await _note_booked(session, series, visit, booking, previous_cents)
    return True


async def _hold(session: AsyncSession, series: Series, offer: Offer, holds: int, start: datetime) -> Booking:
    """By the function that takes every slot. Its customer is elsewhere, and so has a day to pay for it."""
    offer.config.must_be_on(Feature.BOOKINGS)
    offer.must_be_bookable()
    visit = replace(_visit(series, start), held_for=PAID_WITHIN)
    return await hold_slot(session, series.customer_id, offer, holds, await _sale(session, series, offer), visit)


def _visit(series: Series, start: datetime) -> Visit:
    return Visit(start, series.address, series.zip, series_id=series.id, vehicle=series.vehicle)


async def _sale(session: AsyncSession, series: Series, offer: Offer) -> Sale:
    """With its promotion, as long as that applies and is not used up: each visit is one more use."""
    found = await promotion_with(session, series.promotion_id, series.customer_id)
    promotion = found.promotion if found and found.applies_to(offer.tier) else None
    return series.sale(offer, promotion)


async def _note_booked(
    session: AsyncSession, series: Series, visit: SeriesVisit, booking: Booking, previous_cents: int
) -> None:
    told = {
        "appointment_start": booking.appointment_start, "previous_price_cents": previous_cents,
        "currency": booking.currency,
    }  # fmt: skip
    visit.book(booking)
    await _note(session, series, visit, SeriesVisitBooked, **told)


async def _miss(session: AsyncSession, series: Series, offer: Offer, reason: str) -> None:
    """With other times that are free, from that day on."""
    assert series.next_on is not None
    visit = SeriesVisit(
        series_id=series.id,
        on_date=series.next_on,
        status=VisitOutcome.MISSED,
        reason=reason,
        other_times=list(await _other_times(session, series, offer, series.next_on)),
    )
    await _note(session, series, visit, SeriesVisitMissed, starts_at=series.moment(series.next_on))


async def _other_times(session: AsyncSession, series: Series, offer: Offer, day: date) -> Sequence[datetime]:
    try:
        offer.must_be_bookable()
        stop = series.stop(offer)
    except Refusal:
        return []
    return free_from(day, offer, await schedule_of(session, offer, day, day + LOOKED_AHEAD), stop)


async def skip_visit(
    session: AsyncSession, actor: Actor, series_id: int, version: int | None, day: date
) -> SeriesVisit:
    """Leave out a day that is still to be seen to; the series keeps its rhythm."""
    series = await series_for(session, actor, series_id, lock=True)
    series.expect(version)
    series.must_be_of(actor)
    if await find_visit(session, series.id, day):
        raise VisitIsSeenTo
    if not series.has_ahead(day, now() + FURTHEST):
        raise NoSuchVisit
    visit = SeriesVisit(series_id=series.id, on_date=day, status=VisitOutcome.SKIPPED)
    await _note(session, series, visit, SeriesVisitSkipped)
    return visit


async def leave_to_what_was_paid(session: AsyncSession, series: Series, stay: Sequence[SeriesVisit]) -> None:
    """On these days there is a visit already, of the series before."""
    for paid in stay:
        if series.rhythm.has(paid.on_date):
            visit = SeriesVisit(
                series_id=series.id,
                on_date=paid.on_date,
                status=VisitOutcome.SKIPPED,
                booking_id=paid.booking_id,
                reason=PAID_BEFORE,
            )
            await _note(session, series, visit, SeriesVisitSkipped)


async def take_visit(session: AsyncSession, actor: Actor, series_id: int, day: date, wanted: VisitRequest) -> Booking:
    """A visit that was missed, left out or not paid, at a time that its customer chooses: held as any slot is."""
    assert actor.customer_id is not None
    seen = await series_for(session, actor, series_id)
    seen.must_be_of(actor)
    offer, holds = await lock_offer(session, seen.tier_id, actor.customer_id)
    series = await series_for(session, actor, series_id, lock=True)
    series.must_be_of(actor)
    visit = await find_visit(session, series.id, day)
    if visit is None:
        raise NoSuchVisit
    await _must_have_no_booking(session, visit)
    sale = await _sale(session, series, offer)
    sale.must_cost(wanted.price_cents, offer.config.currency)
    where = _visit(series, wanted.starts_at.astimezone(UTC))
    booking = await hold_slot(session, actor.customer_id, offer, holds, sale, where)
    await _note_booked(session, series, visit, booking, series.price_cents)
    return booking


async def _must_have_no_booking(session: AsyncSession, visit: SeriesVisit) -> None:
    if visit.booking_id is not None:
        await expire_now(session, [visit.booking_id])
        if (await get_booking(session, visit.booking_id)).status not in GONE:
            raise VisitIsSeenTo


async def _note(
    session: AsyncSession, series: Series, visit: SeriesVisit, kind: type[SeriesVisitEvent], **told: Any
) -> None:
    session.add(visit)
    with enforced_by(ONE_A_DAY, VisitIsSeenTo):
        await session.flush()
    names = ("customer_id", "affiliate_id", "service_name", "tier_name", "timezone")
    record(session, kind.of(visit, **{name: getattr(series, name) for name in names}, **told))
