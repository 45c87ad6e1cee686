"""P4 and P10, one of their points: `kill -9` exactly there. tests/chaos/test_kill_points.py has all of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.testing.databases import Templates
from shared.testing.servers import RabbitMQ
from shared.testing.tokens import Signer
from tests.chaos import kills
from tests.chaos.later_points import LATER
from tests.chaos.points import POINTS
from tests.chaos.story import Street
from tests.chaos.victim import SQL, WIRE, place_of

SOME = ("an intent is done by the provider",)
LIVES = 2


@pytest_asyncio.fixture(scope="module")
async def town(
    templates: Templates, broker: RabbitMQ, signer: Signer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Street]:
    async with kills.whole_town(templates, broker, signer, tmp_path_factory.mktemp("town")) as town:
        yield town


def test_every_point_is_still_there() -> None:
    """Whoever gives a function another name sees it here, and not only where all are tried."""
    for row in (*POINTS, *LATER):
        if row.point.where not in (SQL, WIRE):
            assert callable(place_of(row.point)[2])


@pytest.mark.parametrize("name", SOME)
async def test_killed_when(town: Street, name: str) -> None:
    [row] = [row for row in (*POINTS, *LATER) if row.name == name]
    await kills.killed_at(town, row, LIVES)
