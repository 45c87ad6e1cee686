"""A process is killed at a point of the money path, again and again, and all ends as if it never had been."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path

from shared.testing.databases import Templates
from shared.testing.servers import RabbitMQ
from shared.testing.tokens import Signer
from tests.payments.audit import audit

from . import sequel
from .points import Row
from .stage import PATIENCE, stage
from .story import Story, Street, street

POLL = 0.3  # seconds


@asynccontextmanager
async def town(templates: Templates, broker: RabbitMQ, signer: Signer, directory: Path) -> AsyncIterator[Street]:
    """Where money moves."""
    async with stage(templates, broker, signer, directory) as made:
        yield await street(made)


@asynccontextmanager
async def whole_town(templates: Templates, broker: RabbitMQ, signer: Signer, directory: Path) -> AsyncIterator[Street]:
    """Where it also leaves for affiliates, and papers come by mail."""
    async with stage(templates, broker, signer, directory, mail=True) as made:
        town = await street(made)
        await sequel.prepare(town)
        yield town


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
    wrongs += await wrongs_of(town, told)
    assert not wrongs, wrongs


async def wrongs_of(town: Street, told: Sequence[Story]) -> list[str]:
    found = await audit(town.stage.databases["payments"], town.stage.sandbox)
    charged: Counter[int] = Counter()
    kept: Counter[int] = Counter()
    for moved in found.moved.values():
        charged[int(moved["metadata"]["booking_id"])] += moved["charged"]
        kept[int(moved["metadata"]["booking_id"])] += moved["net"]
    booked = [story for story in told if story.booking]
    of_stories = [await story.wrongs(charged[story.booking["id"]], kept[story.booking["id"]]) for story in booked]
    return found.wrongs() + list(chain(*of_stories)) + await sequel.wrongs(town, told)
