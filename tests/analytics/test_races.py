"""Counting in real transactions at once: nothing lost, nothing twice, no deadlock, and a rebuild in the middle."""

import asyncio

from sqlalchemy import text

from services.analytics import commands
from shared.db import Database
from shared.testing.plugin import Deliver, deliver_to

from .conftest import LIVE, NOON, Told
from .test_counting import by_hand, history, keyed

AT_ONCE = 10


async def all_at_once(deliver: Deliver, told: list[Told]) -> None:
    """Ten workers, each message with whoever is free."""
    waiting = iter(told)

    async def work() -> None:
        for one in waiting:
            await deliver(one.event, one.event_id, one.at)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def numbers(database: Database) -> list[tuple[object, ...]]:
    async with database.begin() as session:
        return [tuple(row) for row in await session.execute(text(LIVE))]


async def test_workers_at_once_count_each_fact_once(fresh_database: Database) -> None:
    told = history(5, length=300)
    await all_at_once(deliver_to("analytics", fresh_database), told)
    assert keyed(await numbers(fresh_database)) == by_hand(told)


async def test_a_rebuild_in_the_middle_loses_nothing(fresh_database: Database) -> None:
    told = history(6, length=300)

    async def rebuild() -> None:
        for _ in range(5):
            async with fresh_database.begin() as session:
                await commands.rebuild_metrics(session, kept_since=NOON.replace(hour=0))

    await asyncio.gather(all_at_once(deliver_to("analytics", fresh_database), told), rebuild())
    assert keyed(await numbers(fresh_database)) == by_hand(told)
