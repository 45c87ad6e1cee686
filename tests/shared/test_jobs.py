"""What happens when time passes: one replica at a time, missed runs caught up once, outcomes visible."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio
from asyncpg import InterfaceError
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from shared import jobs
from shared.db import Database
from shared.jobs import Job, forget_old_runs, run_if_due
from shared.testing.databases import counted_statements
from shared.testing.plugin import until

from .conftest import count, running

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


async def test_a_failed_run_is_tried_again_within_a_minute_however_rare_the_job(database: Database) -> None:
    await run_if_due(database, "booking", Job(fail_after_noting, timedelta(days=1)))
    async with database.begin() as session:
        left = await session.scalar(
            text("select next_run_at - clock_timestamp() from jobs where name = 'fail_after_noting'")
        )
    assert left is not None
    assert timedelta(0) < left <= timedelta(minutes=1)


async def test_what_has_piled_up_goes_in_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 10)
    async with database.begin() as session:
        old = "select 'q', gen_random_uuid(), now() - interval '46 days' from generate_series(1, 35)"
        await session.execute(text(f"insert into inbox {old}"))
    with counted_statements(database) as sent:
        async with database.begin() as session:
            await forget_old_runs(session)
    assert await count(database, "inbox") == 0
    assert len([statement for statement in sent if "inbox" in statement]) == 4


async def test_no_error_ends_the_pace(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [PoolTimeout(), asyncpg.CannotConnectNowError("starting"), InterfaceError("closed"), ValueError("odd")]
    ran = asyncio.Event()

    async def fail_at_first(*_: object) -> bool:
        if failures:
            raise failures.pop()
        ran.set()
        return True

    monkeypatch.setattr(jobs, "run_if_due", fail_at_first)
    async with running(jobs.keep_running(database, "booking", [Job(note, timedelta(milliseconds=3))])):
        await asyncio.wait_for(ran.wait(), 10)


async def test_a_slow_job_delays_no_other_and_is_not_begun_twice(database: Database) -> None:
    began: list[str] = []
    held, other = asyncio.Event(), asyncio.Event()

    async def slow(_: AsyncSession) -> None:
        began.append("slow")
        await held.wait()

    async def quick(_: AsyncSession) -> None:
        began.append("quick")
        if began.count("quick") == 3:
            other.set()

    often = timedelta(milliseconds=3)
    async with running(jobs.keep_running(database, "booking", [Job(slow, often), Job(quick, often)])):
        await asyncio.wait_for(other.wait(), 10)
        held.set()
    assert began.count("slow") == 1


async def test_what_is_not_due_takes_one_statement_for_all_jobs(database: Database) -> None:
    each = [Job(note, timedelta(milliseconds=30)), Job(fail_after_noting, timedelta(seconds=1))]
    async with database.begin() as session:
        await session.execute(text("update jobs set next_run_at = now() + interval '1 hour'"))
    with counted_statements(database) as sent:
        async with running(jobs.keep_running(database, "booking", each)):
            await until(lambda: _sent(sent, 4))
    assert [statement.split()[0] for statement in sent[:4]] == ["insert", "select", "select", "select"]


async def _sent(statements: list[str], number: int) -> bool:
    return len(statements) >= number
