"""Calls to the outside: intended in a transaction, made outside of any, made again when nobody knows how they went."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from asyncpg import InterfaceError
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared import tasks as tasks_module
from shared.clock import frozen
from shared.context import Cause, cause, caused_by
from shared.db import Database
from shared.tasks import MAX_TRIES, NotNow, Outside, Runner, Tasks
from shared.testing.databases import counted_statements
from shared.testing.plugin import AsOwner, until

from .conftest import count, running


class World:
    """What is called: it counts, and does as it is told."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.answer: Callable[[], None] = lambda: None


@pytest.fixture
def world() -> World:
    return World()


tasks = Tasks("booking")


@tasks.call
async def ring(outside: Outside, number: int) -> None:
    world = outside.client(World)
    world.calls.append(number)
    world.answer()


def runner(database: Database, world: World) -> Runner:
    return Runner(tasks, database, Outside(database, (world,)))


async def intend(database: Database, *numbers: int) -> None:
    async with database.begin() as session:
        for number in numbers:
            tasks.enqueue(session, ring, number=number)


async def make_due(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(text("update tasks set due_at = now()"))


async def state(database: Database) -> Any:
    async with database.read() as session:
        return (await session.execute(text("select tries, failed, last_error from tasks"))).one_or_none()


async def test_a_call_that_is_wanted_in_what_is_taken_back_is_not_made(fresh_database: Database) -> None:
    """One of before is, one that has a time of its own waits for it."""
    later = datetime(2199, 1, 1, tzinfo=UTC)
    async with fresh_database.begin() as session:
        tasks.enqueue(session, ring, number=1)
        savepoint = await session.begin_nested()
        tasks.enqueue(session, ring, number=2)
        await savepoint.rollback()
        tasks.enqueue(session, ring, number=3, due_at=later)
        there = await session.execute(text("select arguments ->> 'number', due_at = now() from tasks order by id"))
        assert [tuple(row) for row in there] == [("1", True), ("3", False)]
    assert await count(fresh_database, "tasks") == 2


async def test_each_call_is_made_once_by_whichever_replica(fresh_database: Database, world: World) -> None:
    replicas = [runner(fresh_database, world) for _ in range(3)]
    async with running(*(replica.run() for replica in replicas)):
        await intend(fresh_database, *range(30))
        await until(lambda: _empty(fresh_database))
    assert sorted(world.calls) == list(range(30))


async def _empty(database: Database) -> bool:
    return await count(database, "tasks") == 0


@pytest.mark.parametrize(
    ("actor", "then"),
    [
        ("service:booking for user:2 as user:5", "service:booking for user:2 as user:5"),
        ("user:2 as user:5", "service:booking for user:2 as user:5"),
        ("user:5", "service:booking"),
        ("user:5 by key:3", "service:booking"),
        ("service:payments", "service:booking"),
    ],
)
async def test_what_a_call_leads_to_says_what_it_was_made_for(
    database: Database, world: World, actor: str, then: str
) -> None:
    seen: list[Cause] = []
    world.answer = lambda: seen.append(cause())
    with caused_by(Cause("c1", "e1", actor)):
        await intend(database, 1)
    await runner(database, world).work_one()
    assert seen == [Cause("c1", "e1", then)]


async def test_one_at_a_time_whatever_plan_the_database_takes(
    fresh_database: Database, world: World, as_owner: AsOwner
) -> None:
    """Of a table that it knows to be small, PostgreSQL may read every row and look for the due one anew at each."""
    await intend(fresh_database, 1)
    await as_owner("analyze tasks")
    await intend(fresh_database, 2, 3)
    assert await runner(fresh_database, world).work_one()
    assert world.calls == [1]


async def test_what_was_rolled_back_is_never_called(fresh_database: Database, world: World) -> None:
    with pytest.raises(RuntimeError):
        async with fresh_database.begin() as session:
            tasks.enqueue(session, ring, number=1)
            raise RuntimeError
    assert not await runner(fresh_database, world).work_one()
    assert world.calls == []


async def test_a_failed_call_waits_longer_each_time_and_is_given_up_visibly(
    fresh_database: Database, world: World
) -> None:
    def fail() -> None:
        raise ConnectionError("nobody there")

    world.answer = fail
    await intend(fresh_database, 1)
    it = runner(fresh_database, world)
    assert await it.work_one()
    assert not await it.work_one(), "not due yet"
    assert await state(fresh_database) == (1, False, "ConnectionError('nobody there')")
    for _ in range(MAX_TRIES - 1):
        await make_due(fresh_database)
        assert await it.work_one()
    await make_due(fresh_database)
    assert not await it.work_one()
    assert (await state(fresh_database))[:2] == (MAX_TRIES, True)


async def test_a_call_that_nobody_finished_is_made_again_when_its_lease_is_over(
    fresh_database: Database, world: World
) -> None:
    began = asyncio.Event()

    def die() -> None:
        began.set()
        raise asyncio.CancelledError  # as kill -9: nothing is written down any more

    world.answer = die
    await intend(fresh_database, 1)
    it = runner(fresh_database, world)
    with pytest.raises(asyncio.CancelledError):
        await it.work_one()
    assert began.is_set()
    assert not await it.work_one(), "the lease holds"
    world.answer = lambda: None
    await make_due(fresh_database)
    assert await it.work_one()
    assert world.calls == [1, 1]
    assert await _empty(fresh_database)


async def test_not_now_is_no_failure(fresh_database: Database, world: World) -> None:
    def later() -> None:
        raise NotNow(timedelta(hours=1))

    world.answer = later
    await intend(fresh_database, 1)
    assert await runner(fresh_database, world).work_one()
    assert await state(fresh_database) == (0, False, None)


async def test_due_is_what_the_database_says(fresh_database: Database, world: World) -> None:
    """Neither an application whose clock is ahead delays its calls, nor one that is behind makes them too early."""
    with frozen(datetime(2100, 1, 1, tzinfo=UTC)):
        await intend(fresh_database, 1)
    assert await runner(fresh_database, world).work_one()


async def test_a_call_that_killed_every_worker_is_given_up_visibly(fresh_database: Database, world: World) -> None:
    await intend(fresh_database, 1)
    async with fresh_database.begin() as session:
        await session.execute(text("update tasks set tries = :most"), {"most": MAX_TRIES})
    assert await runner(fresh_database, world).work_one()
    assert world.calls == []
    assert await state(fresh_database) == (MAX_TRIES + 1, True, "NeverFinished()")


async def test_whoever_lost_its_lease_changes_nothing_any_more(fresh_database: Database, world: World) -> None:
    """The call of a worker that was held up fails while another is at it again."""
    it = runner(fresh_database, world)
    await intend(fresh_database, 1)

    def fail() -> None:
        raise ConnectionError

    assert await it._look(1)
    await make_due(fresh_database)
    assert await it._look(1)
    first, _second = it._claimed.popleft(), it._claimed.popleft()
    world.answer = fail
    await it._make(first)
    assert not await it.work_one(), "the second's lease holds"
    assert await state(fresh_database) == (2, False, None)


async def test_a_call_that_was_begun_is_finished_when_the_process_stops(fresh_database: Database, world: World) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    @tasks.call
    async def take_time(outside: Outside) -> None:
        began.set()
        await go_on.wait()
        outside.client(World).calls.append(1)

    async with fresh_database.begin() as session:
        tasks.enqueue(session, take_time)
    running_task = asyncio.create_task(runner(fresh_database, world).run())
    await asyncio.wait_for(began.wait(), 10)
    running_task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(running_task, return_exceptions=True)
    assert world.calls == [1]
    assert await _empty(fresh_database)


async def test_many_are_claimed_and_crossed_off_together(fresh_database: Database, world: World) -> None:
    await intend(fresh_database, *range(5))
    it = runner(fresh_database, world)
    assert await it._look(3)
    with counted_statements(fresh_database) as sent:
        while it._claimed:
            await it._make(it._claimed.popleft())
        assert sent == []
        assert await it._look(3)
    assert len(sent) == 1
    assert len(it._claimed) == await count(fresh_database, "tasks") == 2


async def test_what_was_made_and_not_crossed_off_is_not_made_again_by_this_process(
    fresh_database: Database, world: World
) -> None:
    """Its lease may have run out meanwhile."""
    await intend(fresh_database, 1)
    it = runner(fresh_database, world)
    assert await it._look(1)
    await it._make(it._claimed.popleft())
    await make_due(fresh_database)
    assert not await it._look(1)
    assert await _empty(fresh_database)


async def test_no_error_ends_the_runner(
    fresh_database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [InterfaceError("closed"), PoolTimeout(), asyncpg.CannotConnectNowError("starting"), ValueError("odd")]
    claim = tasks_module._claim

    async def fail_at_first(*asked: Any) -> Any:
        if failures:
            raise failures.pop()
        return await claim(*asked)

    monkeypatch.setattr(tasks_module, "_claim", fail_at_first)
    monkeypatch.setattr(tasks_module, "POLL", 0.01)
    await intend(fresh_database, 1)
    async with running(runner(fresh_database, world).run()):
        await until(lambda: _empty(fresh_database))
    assert world.calls == [1]
