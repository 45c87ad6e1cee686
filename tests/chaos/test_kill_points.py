"""P4 and P10: payments is killed between every two steps of the money path, and all ends as if it never had been.

`MDH_CHAOS_LIVES` says how often at each point.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import chain
from pathlib import Path

import pytest
import pytest_asyncio

from shared.testing.databases import Templates
from shared.testing.servers import RabbitMQ
from shared.testing.tokens import Signer
from tests.payments.audit import audit

from .points import POINTS, Row
from .stage import PATIENCE, stage
from .story import Story, Street, street

LIVES = int(os.environ.get("MDH_CHAOS_LIVES", "10"))
AT_ONCE, POLL = 20, 0.3


@pytest_asyncio.fixture(scope="module")
async def town(templates: Templates, broker: RabbitMQ, signer: Signer, run_directory: Path) -> AsyncIterator[Street]:
    directory = run_directory / "stage"
    directory.mkdir()
    async with stage(templates, broker, signer, directory) as made:
        yield await street(made)


@pytest.mark.parametrize("row", POINTS, ids=str)
async def test_killed_when(town: Street, row: Row) -> None:
    await killed_at(town, row, LIVES)


async def killed_at(town: Street, row: Row, lives: int) -> None:
    """Each time somebody begins another story, and it ends the process there; then all of them go on together."""
    told: list[Story] = []
    async with asyncio.TaskGroup() as under_way:
        for _ in range(lives):
            await town.stage.restart(row.program, row.point)
            told.append(town.story())
            under_way.create_task(row.tale(told[-1]))  # type: ignore[arg-type]
            await town.stage.died(row.program)
        await town.stage.restart(row.program)
    await all_ended_well(town, told)


async def all_ended_well(town: Street, told: Sequence[Story]) -> None:
    """All comes right, and is so when all has come to rest; what was right before still is."""
    deadline = time.monotonic() + PATIENCE
    while (wrongs := await wrongs_of(town, told)) and time.monotonic() < deadline:
        await asyncio.sleep(POLL)
    await town.stage.rest()
    assert wrongs + await wrongs_of(town, told) == []


async def wrongs_of(town: Street, told: Sequence[Story]) -> list[str]:
    found = await audit(town.stage.databases["payments"], town.stage.sandbox)
    charged: Counter[int] = Counter()
    kept: Counter[int] = Counter()
    for moved in found.moved.values():
        charged[int(moved["metadata"]["booking_id"])] += moved["charged"]
        kept[int(moved["metadata"]["booking_id"])] += moved["net"]
    of_stories = [await story.wrongs(charged[story.booking["id"]], kept[story.booking["id"]]) for story in told]
    return found.wrongs() + list(chain(*of_stories))


async def test_paid_in_the_second_in_which_the_hold_runs_out(town: Street) -> None:
    stories = [town.story() for _ in range(AT_ONCE)]
    await asyncio.gather(*(story.pays_in_that_second() for story in stories))
    await all_ended_well(town, stories)
