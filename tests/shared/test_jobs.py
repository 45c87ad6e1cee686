"""What happens when time passes: one replica at a time, missed runs caught up once, outcomes visible."""

import asyncio
from datetime import timedelta

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database
from shared.jobs import Job, forget_old_runs, run_if_due

from .conftest import count

NOTE = text("insert into crews (affiliate_id, name) values (1, 'run')")


async def note(session: AsyncSession) -> None:
    await session.execute(NOTE)


async def fail_after_noting(session: AsyncSession) -> None:
    await session.execute(NOTE)
    raise RuntimeError("no luck")


@pytest_asyncio.fixture
async def database(fresh_database: Database) -> Database:
    async with fresh_database.begin() as session:
        await session.execute(text("insert into jobs (name) values ('note'), ('fail_after_noting')"))
    return fresh_database


async def runs(database: Database) -> list[tuple[str, str]]:
    async with database.read() as session:
        return [tuple(row) for row in await session.execute(text("select job, outcome from job_runs order by id"))]


async def test_many_replicas_run_a_due_job_once(database: Database) -> None:
    job = Job(note, timedelta(minutes=1))
    ran = await asyncio.gather(*(run_if_due(database, "booking", job) for _ in range(10)))
    assert sum(ran) == 1
    assert await count(database, "crews") == 1
    assert await runs(database) == [("note", "done")]


async def test_runs_that_were_missed_are_caught_up_once(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(text("update jobs set next_run_at = now() - interval '3 days'"))
    job = Job(note, timedelta(minutes=1))
    assert [await run_if_due(database, "booking", job) for _ in range(3)] == [True, False, False]


async def test_a_failed_run_leaves_nothing_but_its_outcome_and_comes_again_later(database: Database) -> None:
    job = Job(fail_after_noting, timedelta(minutes=1))
    assert [await run_if_due(database, "booking", job) for _ in range(2)] == [True, False]
    assert await count(database, "crews") == 0
    assert await runs(database) == [("fail_after_noting", "failed")]


async def test_what_was_kept_long_enough_goes(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(
            text("insert into job_runs (job, outcome, started_at) values ('x', 'done', now() - interval '31 days')")
        )
        await session.execute(text("insert into inbox values ('q', gen_random_uuid(), now() - interval '46 days')"))
        await session.execute(text("insert into inbox values ('q', gen_random_uuid(), now() - interval '44 days')"))
        await forget_old_runs(session)
    assert await count(database, "job_runs") == 0
    assert await count(database, "inbox") == 1
