"""External calendars, and what they keep busy."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.platform_config import THE_ONE, PlatformConfig

from ..domain.calendars import MOST_CALENDARS, ExternalBusy, ExternalCalendar, NoSuchCalendar
from ..domain.offer import Affiliate, NotYourAffiliate

LEASE = timedelta(minutes=5)  # who claimed a calendar and is gone holds it no longer


async def calendars_of(session: AsyncSession, actor: Actor, affiliate_id: int) -> Sequence[ExternalCalendar]:
    """Those of an affiliate, oldest first; its team and staff see them."""
    if not (actor.works_for(affiliate_id) or actor.is_staff):
        raise NotYourAffiliate
    mine = select(ExternalCalendar).where(ExternalCalendar.affiliate_id == affiliate_id)
    return (await session.scalars(mine.order_by(ExternalCalendar.id).limit(MOST_CALENDARS))).all()


async def calendar_for(session: AsyncSession, actor: Actor, affiliate_id: int, calendar_id: int) -> ExternalCalendar:
    """One that this actor may change, locked."""
    if not actor.runs(affiliate_id):
        raise NotYourAffiliate
    calendar = await session.get(ExternalCalendar, calendar_id, with_for_update=True)
    if calendar is None or calendar.affiliate_id != affiliate_id:
        raise NoSuchCalendar
    return calendar


async def count_calendars(session: AsyncSession, affiliate_id: int) -> int:
    counted = select(func.count()).where(ExternalCalendar.affiliate_id == affiliate_id)
    return await session.scalar(counted) or 0


async def claim_due(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Calendars that are due; nobody else is given them for a while."""
    due = select(ExternalCalendar.id).where(ExternalCalendar.next_fetch_at <= func.now())
    claimed = due.order_by(ExternalCalendar.next_fetch_at).limit(limit).with_for_update(skip_locked=True).cte("due")
    statement = update(ExternalCalendar).where(ExternalCalendar.id == claimed.c.id)
    statement = statement.values(next_fetch_at=func.now() + LEASE)
    return (await session.scalars(statement.returning(ExternalCalendar.id))).all()


async def find_to_read(session: AsyncSession, calendar_id: int) -> tuple[ExternalCalendar, str, int] | None:
    """A calendar with its affiliate's zone and the days of the horizon; none if it was removed."""
    found = await session.execute(
        select(ExternalCalendar, Affiliate.timezone, PlatformConfig.horizon_days)
        .join(Affiliate, Affiliate.affiliate_id == ExternalCalendar.affiliate_id)
        .join(PlatformConfig, PlatformConfig.config_id == THE_ONE)
        .where(ExternalCalendar.id == calendar_id)
    )
    row = found.one_or_none()
    return (row[0], row[1], row[2]) if row else None


async def busy_of(session: AsyncSession, calendar_id: int) -> list[tuple[datetime, datetime]]:
    """What it keeps busy, in order."""
    rows = await session.scalars(select(ExternalBusy.during).where(ExternalBusy.calendar_id == calendar_id))
    return sorted((during.lower, during.upper) for during in rows)
