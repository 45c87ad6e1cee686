"""Standing orders: begun, changed, paused, ended. Their visits are booked in `visits`."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import SeriesChanged, SeriesEnded, SeriesPaused, SeriesResumed, SeriesStarted
from shared.outbox import record

from ..domain.booking import SlotNotOffered
from ..domain.life import Status
from ..domain.offer import NotBookable, Offer
from ..domain.series import (
    MOST_SERIES,
    OfAnotherAffiliate,
    PaidVisits,
    PausedBy,
    Series,
    SeriesStatus,
    TooManySeries,
)
from ..domain.visits import SeriesVisit
from ..queries.offers import get_affiliate
from ..queries.promotions import promotion_called
from ..queries.series import count_series, lock_booked_from, lock_going, series_for
from ..queries.slots import schedule_of
from ..schemas.series import SeriesChangeRequest, SeriesEndRequest, SeriesRequest
from . import tasks
from .bookings import call_off
from .holding import lock_offer
from .visits import book_visits, leave_to_what_was_paid

AFFILIATE_GONE = "The affiliate no longer takes bookings."


async def start_series(session: AsyncSession, actor: Actor, wanted: SeriesRequest) -> Series:
    """Its first visits are booked within seconds if they are near, the others ahead of their time."""
    return await _start(session, actor, wanted, most=MOST_SERIES)


async def change_series(
    session: AsyncSession, actor: Actor, series_id: int, version: int | None, wanted: SeriesChangeRequest
) -> Series:
    """Another series follows from a day on, and this one ends before it: what was agreed for earlier days stays so."""
    seen = await series_for(session, actor, series_id)
    seen.must_be_of(actor)
    new = await _start(session, actor, wanted, most=MOST_SERIES + 1)
    series = await series_for(session, actor, series_id, lock=True)
    series.expect(version)
    series.must_be_of(actor)
    if series.affiliate_id != new.affiliate_id:
        raise OfAnotherAffiliate
    stay = await _let_go(session, actor, series, new.first_on, wanted.paid_visits)
    await leave_to_what_was_paid(session, new, stay)
    _end(session, series, new.first_on, "customer", followed_by_id=new.id)
    return new


async def pause_series(session: AsyncSession, actor: Actor, series_id: int, version: int | None) -> Series:
    series = await _load(session, actor, series_id, version)
    series.must_be_of(actor)
    _pause(session, series, PausedBy.CUSTOMER)
    return series


async def resume_series(session: AsyncSession, actor: Actor, series_id: int, version: int | None) -> Series:
    """Not while its affiliate takes no bookings: with that it goes on by itself."""
    series = await _load(session, actor, series_id, version)
    series.must_be_of(actor)
    if (await get_affiliate(session, series.affiliate_id)).application_status != "approved":
        raise NotBookable
    _resume(session, series)
    return series


async def end_series(
    session: AsyncSession, actor: Actor, series_id: int, version: int | None, wanted: SeriesEndRequest
) -> Series:
    """Unpaid visits ahead are let go; paid ones stay, or are cancelled by the policy of each. By its customer, and by
    those who run the affiliate."""
    series = await _load(session, actor, series_id, version)
    series.must_end_for(actor)
    today = now().astimezone(series.zone).date()
    day = max(wanted.from_date or today, today)
    await _let_go(session, actor, series, day, wanted.paid_visits, wanted.reason)
    by = "customer" if actor.customer_id == series.customer_id else "affiliate"
    _end(session, series, day, by, wanted.reason)
    return series


async def follow_affiliate(session: AsyncSession, affiliate_id: int, application_status: str) -> None:
    """What becomes of its series when an affiliate is suspended, reinstated or gone. Visits that are booked stay with
    it, as all bookings do."""
    if application_status == "approved":
        for series in await lock_going(session, affiliate_id=affiliate_id, paused_by=PausedBy.AFFILIATE):
            _resume(session, series)
    elif application_status == "suspended":
        for series in await lock_going(session, affiliate_id=affiliate_id, status=SeriesStatus.ACTIVE):
            _pause(session, series, PausedBy.AFFILIATE)
    elif application_status in ("closed", "rejected"):
        for series in await lock_going(session, affiliate_id=affiliate_id):
            _end(session, series, series.first_on, "platform", AFFILIATE_GONE)


async def end_all(session: AsyncSession, customer_id: int) -> None:
    """Of a customer who leaves: nothing further is booked for them, whatever is booked already."""
    for series in await lock_going(session, customer_id=customer_id):
        _end(session, series, series.first_on, "customer")
    await session.flush()


def _pause(session: AsyncSession, series: Series, by: PausedBy) -> None:
    series.pause(by)
    record(session, SeriesPaused.of(series))


def _resume(session: AsyncSession, series: Series) -> None:
    series.resume(now())
    record(session, SeriesResumed.of(series))


def _end(
    session: AsyncSession, series: Series, day: date, by: str, reason: str = "", *, followed_by_id: int | None = None
) -> None:
    series.end_before(day, by, reason, now(), followed_by_id=followed_by_id)
    record(session, (SeriesEnded if series.status is SeriesStatus.ENDED else SeriesChanged).of(series))


async def _load(session: AsyncSession, actor: Actor, series_id: int, version: int | None) -> Series:
    series = await series_for(session, actor, series_id, lock=True)
    series.expect(version)
    return series


async def _start(session: AsyncSession, actor: Actor, wanted: SeriesRequest, *, most: int) -> Series:
    assert actor.customer_id is not None
    offer, _ = await lock_offer(session, wanted.tier_id, actor.customer_id)
    if await count_series(session, actor.customer_id) >= most:
        raise TooManySeries(most=MOST_SERIES)
    promotion = None
    if wanted.promotion_code is not None:
        found = await promotion_called(session, wanted.promotion_code, offer.tier.affiliate_id, actor.customer_id)
        found.must_apply_to(offer.tier)
        promotion = found.promotion
    series = Series.start(actor.customer_id, offer, wanted.rhythm, promotion, wanted.told)
    series.sale(offer, promotion).must_cost(wanted.price_cents, series.currency)
    await _must_be_offered(session, offer, series)
    session.add(series)
    await session.flush()
    record(session, SeriesStarted.of(series))
    tasks.enqueue(session, book_visits, series_id=series.id)
    return series


async def _must_be_offered(session: AsyncSession, offer: Offer, series: Series) -> None:
    """A time at which nobody works is no time for a series. That somebody else has it on the first day is no obstacle:
    that visit is missed, and the others are not."""
    first = series.moment(series.first_on)
    if first is None:
        raise SlotNotOffered
    schedule = await schedule_of(session, offer, series.first_on, series.first_on)
    stop = series.stop(offer)
    if schedule.slot_at(first, stop) is None and not schedule.is_only_busy(first, stop):
        raise SlotNotOffered


async def _let_go(
    session: AsyncSession, actor: Actor, series: Series, day: date, paid_visits: PaidVisits, reason: str = ""
) -> Sequence[SeriesVisit]:
    """Of the visits from this day on; says which of them stay."""
    stay = []
    for visit, booking in await lock_booked_from(session, series, day):
        if booking.status is Status.CONFIRMED and paid_visits is PaidVisits.KEEP:
            stay.append(visit)
        else:
            call_off(session, actor, booking, reason)
    return stay
