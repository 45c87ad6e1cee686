"""External calendars: connected, read again and again, removed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import random

from sqlalchemy import delete, insert
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import ExternalCalendarConnected, ExternalCalendarRemoved
from shared.outbox import record
from shared.tasks import Outside

from ..clients import Calendars
from ..domain.calendars import (
    KEPT_BEFORE,
    MOST_CALENDARS,
    READ_BEYOND,
    ExternalBusy,
    ExternalCalendar,
    Reading,
    TooManyCalendars,
    Unreadable,
)
from ..domain.offer import NotYourAffiliate
from ..queries.availability import crew_of
from ..queries.calendars import (
    busy_of,
    calendar_for,
    claim_due,
    count_calendars,
    find_to_read,
)
from ..queries.slots import lock_schedule
from ..schemas.calendars import CalendarRequest
from . import tasks
from .free_days import note_schedule_change


async def connect_calendar(
    session: AsyncSession, actor: Actor, affiliate_id: int, wanted: CalendarRequest
) -> ExternalCalendar:
    """It is read within seconds; until then it keeps nothing busy."""
    if not actor.runs(affiliate_id):
        raise NotYourAffiliate
    await lock_schedule(session, affiliate_id)
    await crew_of(session, affiliate_id, wanted.crew_id)
    if await count_calendars(session, affiliate_id) >= MOST_CALENDARS:
        raise TooManyCalendars(most=MOST_CALENDARS)
    calendar = ExternalCalendar(
        affiliate_id=affiliate_id, crew_id=wanted.crew_id, name=wanted.name, url=wanted.url, next_fetch_at=now()
    )
    session.add(calendar)
    await session.flush()
    record(session, ExternalCalendarConnected.of(calendar))
    return calendar


async def remove_calendar(session: AsyncSession, actor: Actor, affiliate_id: int, calendar_id: int) -> None:
    """With what it keeps busy: that time is free again."""
    await lock_schedule(session, affiliate_id)
    calendar = await calendar_for(session, actor, affiliate_id, calendar_id)
    record(session, ExternalCalendarRemoved.of(calendar, version=calendar.version + 1))
    await session.delete(calendar)
    await session.flush()
    await note_schedule_change(session, affiliate_id)


async def read_now(session: AsyncSession, actor: Actor, affiliate_id: int, calendar_id: int) -> ExternalCalendar:
    """Have it read within seconds."""
    calendar = await calendar_for(session, actor, affiliate_id, calendar_id)
    calendar.ask_now(now())
    await session.flush()
    return calendar


async def read_due_calendars(session: AsyncSession, *, limit: int) -> None:
    for calendar_id in await claim_due(session, limit=limit):
        tasks.enqueue(session, read_calendar, calendar_id=calendar_id)


@tasks.call
async def read_calendar(outside: Outside, calendar_id: int) -> None:
    """Called again, it is read again. Of two who read at once, the one who is later to write reads again."""
    async with outside.begin() as session:
        found = await find_to_read(session, calendar_id)
    if found is None:
        return
    calendar, zone, horizon_days = found
    at = now()
    last = at + timedelta(days=horizon_days) + READ_BEYOND
    try:
        reading = await outside.client(Calendars).read(calendar, zone, at - KEPT_BEFORE, last)
    except Unreadable as unreadable:
        async with outside.begin() as session:
            session.add(calendar)
            calendar.fail(unreadable.trouble, now(), random())  # noqa: S311 - only so that not all come at once
    else:
        await _keep(outside, calendar, reading)


async def _keep(outside: Outside, calendar: ExternalCalendar, reading: Reading) -> None:
    async with outside.begin() as session:
        await lock_schedule(session, calendar.affiliate_id)
        session.add(calendar)
        calendar.take(reading, now(), random())  # noqa: S311 - as above
        await session.flush()
        if reading.busy is not None and await _replace(session, calendar, reading.busy):
            await note_schedule_change(session, calendar.affiliate_id)


async def _replace(
    session: AsyncSession, calendar: ExternalCalendar, busy: Sequence[tuple[datetime, datetime]]
) -> bool:
    """Says whether anything is another than before."""
    if await busy_of(session, calendar.id) == list(busy):
        return False
    await session.execute(delete(ExternalBusy).where(ExternalBusy.calendar_id == calendar.id))
    of = {"calendar_id": calendar.id, "crew_id": calendar.crew_id}
    if busy:
        await session.execute(insert(ExternalBusy), [{**of, "during": Range(*span, bounds="[)")} for span in busy])
    return True
