"""P4 and P10: payments is killed between every two steps of the money path. tests/payments/test_kill_points.py has some
of the points.

`MDH_CHAOS_LIVES` says how often at each of them.
"""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.testing.databases import Templates
from shared.testing.servers import RabbitMQ
from shared.testing.tokens import Signer

from . import kills
from .later_points import LATER
from .points import POINTS, Row
from .story import Street

LIVES = int(os.environ.get("MDH_CHAOS_LIVES", "5"))
AT_ONCE = 20


@pytest_asyncio.fixture(scope="module")
async def town(
    templates: Templates, broker: RabbitMQ, signer: Signer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Street]:
    async with kills.town(templates, broker, signer, tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest_asyncio.fixture(scope="module")
async def whole_town(
    templates: Templates, broker: RabbitMQ, signer: Signer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Street]:
    async with kills.whole_town(templates, broker, signer, tmp_path_factory.mktemp("whole_town")) as town:
        yield town


@pytest.mark.parametrize("row", POINTS, ids=str)
async def test_killed_when(town: Street, row: Row) -> None:
    await kills.killed_at(town, row, LIVES)


async def test_paid_in_the_second_in_which_the_hold_runs_out(town: Street) -> None:
    stories = [town.story() for _ in range(AT_ONCE)]
    await asyncio.gather(*(story.pays_in_that_second() for story in stories))
    await kills.all_ended_well(town, stories)


@pytest.mark.parametrize("row", LATER, ids=str)
async def test_killed_later_when(whole_town: Street, row: Row) -> None:
    await kills.killed_at(whole_town, row, LIVES)
