"""Series and their visits, who may see them, and the locks under which they change.

Whoever needs more than one kind of lock takes them in this order: the affiliate's schedule, the customer, the series,
bookings. Whoever only ends or pauses a series locks its row and bookings of it.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.booking import Booking
from ..domain.life import Status
from ..domain.series import NoSuchSeries, Series, SeriesStatus
from ..domain.visits import MOST_UNPAID, Latest, SeriesVisit
from .bookings import LAPSED

LEASE = timedelta(minutes=5)  # who claimed a series and is gone holds it no longer


async def series_for(session: AsyncSession, actor: Actor, series_id: int, *, lock: bool = False) -> Series:
    """A series that this actor may see; to all others it does not exist."""
    found = await get_series(session, series_id, lock=lock)
    if not found.may_be_seen_by(actor):
        raise NoSuchSeries
    return found


async def get_series(session: AsyncSession, series_id: int, *, lock: bool = False) -> Series:
    found = await session.get(Series, series_id, with_for_update=lock or None, populate_existing=True)
    if found is None:
        raise NoSuchSeries
    return found


async def find_going(session: AsyncSession, series_id: int) -> tuple[int, int] | None:
    """The tier and the customer of a series that has not ended: what is to be locked before it, and never changes."""
    terms = select(Series.tier_id, Series.customer_id)
    found = await session.execute(terms.where(Series.id == series_id, Series.status != SeriesStatus.ENDED))
    row = found.one_or_none()
    return (row[0], row[1]) if row else None


async def series_of(session: AsyncSession, actor: Actor, page: Page, status: SeriesStatus | None) -> Paged[Series]:
    statement = select(Series)
    if not actor.is_staff:
        theirs = Series.affiliate_id.in_(actor.affiliates)
        statement = statement.where(or_(Series.customer_id == actor.customer_id, theirs))
    if status is not None:
        statement = statement.where(Series.status == status)
    return await page.of(session, statement, Series.created_at, Series.id, descending=True)


async def count_series(session: AsyncSession, customer_id: int) -> int:
    """Those that have not ended."""
    counted = select(func.count()).where(Series.customer_id == customer_id, Series.status != SeriesStatus.ENDED)
    return await session.scalar(counted) or 0


async def lock_going(session: AsyncSession, **whose: Any) -> Sequence[Series]:
    """Those with these values, of a customer or an affiliate, that have not ended."""
    going = select(Series).filter_by(**whose).where(Series.status != SeriesStatus.ENDED).order_by(Series.id)
    return (await session.scalars(going.with_for_update())).all()


async def claim_due(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Series of which something is to be seen to; nobody else is given them for a while. Of those that are paused,
    those whose last day is over wherever they are."""
    paused_too_long = and_(
        Series.status == SeriesStatus.PAUSED, Series.last_on < func.current_date() - timedelta(days=1)
    )
    due = select(Series.id).where(
        Series.due_at <= func.clock_timestamp(), or_(Series.status == SeriesStatus.ACTIVE, paused_too_long)
    )
    claimed = due.order_by(Series.due_at).limit(limit).with_for_update(skip_locked=True).cte("due")
    statement = update(Series).where(Series.id == claimed.c.id).values(due_at=func.clock_timestamp() + LEASE)
    return (await session.scalars(statement.returning(Series.id))).all()


async def latest_of(session: AsyncSession, series: Series) -> list[Latest]:
    """What became of the bookings of a series made last, since it began or went on."""
    made = select(Booking.status, LAPSED, Booking.price_cents).where(
        Booking.series_id == series.id, Booking.created_at >= series.active_since
    )
    return [Latest(*row) for row in await session.execute(made.order_by(Booking.id.desc()).limit(MOST_UNPAID))]


async def find_visit(session: AsyncSession, series_id: int, day: date) -> SeriesVisit | None:
    """Asked under the lock of its series."""
    return await session.scalar(select(SeriesVisit).filter_by(series_id=series_id, on_date=day))


async def lock_booked_from(session: AsyncSession, series: Series, day: date) -> Sequence[tuple[SeriesVisit, Booking]]:
    """Visits on this day or later that are still to come, with their bookings, locked."""
    ahead = (
        select(SeriesVisit, Booking)
        .join(Booking, Booking.id == SeriesVisit.booking_id)
        .where(
            SeriesVisit.series_id == series.id,
            SeriesVisit.on_date >= day,
            Booking.status.in_((Status.REQUESTED, Status.HELD, Status.CONFIRMED)),
            Booking.appointment_start > func.clock_timestamp(),
        )
    )
    rows = await session.execute(ahead.order_by(Booking.id).with_for_update(of=Booking))
    return [(visit, booking) for visit, booking in rows]


async def visits_of(session: AsyncSession, series: Series, page: Page) -> Paged[SeriesVisit]:
    """Those that were seen to, the last one first."""
    statement = select(SeriesVisit).where(SeriesVisit.series_id == series.id)
    return await page.of(session, statement, SeriesVisit.created_at, SeriesVisit.id, descending=True)


async def bookings_of_visits(session: AsyncSession, visits: Sequence[SeriesVisit]) -> dict[int, Booking]:
    ids = [visit.booking_id for visit in visits if visit.booking_id is not None]
    return {booking.id: booking for booking in await session.scalars(select(Booking).where(Booking.id.in_(ids)))}


async def days_seen_to(session: AsyncSession, series: Series) -> set[date]:
    """Of those from the next one on: left out before their time."""
    if series.next_on is None:
        return set()
    ahead = select(SeriesVisit.on_date).where(SeriesVisit.series_id == series.id, SeriesVisit.on_date >= series.next_on)
    return set(await session.scalars(ahead))
