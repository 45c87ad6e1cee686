"""Events are forgotten after the configured days, in bounded batches; the numbers stay, and each run can be shown."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.analytics import commands
from services.analytics.jobs import retention
from services.analytics.settings import Settings
from shared.clock import frozen
from shared.contracts.booking import BookingHeld
from shared.db import Database
from shared.jobs import Job, run_if_due

from .conftest import NOON, Numbers, Tell, Told, booking

LATER = NOON + timedelta(days=400, hours=6)


async def kept(session: AsyncSession) -> list[Any]:
    return list(
        await session.scalars(text("select (properties ->> 'booking_id')::int from analytics_events order by 1"))
    )


@pytest.fixture
def job() -> Job:
    [job] = retention(400).all
    return job


async def run(database: Database, session: AsyncSession, job: Job) -> bool:
    await session.execute(text("insert into jobs (name) values (:name) on conflict do nothing"), {"name": job.name})
    with frozen(LATER):
        return await run_if_due(database, "analytics", job)


async def test_old_events_go_by_whole_days_and_the_numbers_stay(
    tell: Tell, numbers: Numbers, database: Database, session: AsyncSession, job: Job
) -> None:
    """At 18:00, 400 days after: the day before is gone, all of that day is there."""
    midnight = NOON.replace(hour=0)
    times = [midnight - timedelta(seconds=1), midnight, NOON, NOON + timedelta(days=1)]
    await tell(Told.of(booking(BookingHeld, n), at) for n, at in enumerate(times, 1))
    before = await numbers()
    assert await run(database, session, job)
    assert await kept(session) == [2, 3, 4]
    assert await numbers() == before


async def test_a_run_can_be_shown(database: Database, session: AsyncSession, job: Job) -> None:
    assert job.interval == timedelta(hours=1)
    assert await run(database, session, job)
    assert not await run(database, session, job)  # not due again before an hour has gone
    shown = await session.execute(text("select job, outcome, error from job_runs"))
    assert [tuple(row) for row in shown] == [("forget_old_events", "done", None)]


async def test_one_run_deletes_so_many_at_most_the_oldest_first(tell: Tell, session: AsyncSession) -> None:
    await tell(Told.of(booking(BookingHeld, n), NOON - timedelta(days=n)) for n in range(1, 10))
    forgotten = []
    for _ in range(4):
        forgotten.append((await commands.forget_events(session, before=NOON, batch=2, batches=2), await kept(session)))
    assert forgotten == [(4, [1, 2, 3, 4, 5]), (4, [1]), (1, []), (0, [])]


def test_the_days_are_configured() -> None:
    assert Settings.model_fields["analytics_retention_days"].default == 400
