"""P4 and P10, some of their points: `kill -9` exactly there. tests/chaos/test_kill_points.py has all of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.testing.databases import Templates
from shared.testing.servers import RabbitMQ
from shared.testing.tokens import Signer
from tests.chaos import kills, sequel
from tests.chaos.later_points import LATER
from tests.chaos.points import POINTS
from tests.chaos.story import Street
from tests.chaos.victim import SQL, WIRE, place_of

# Refunds are last: they leave less on the account at the provider than transfers need.
SOME = (
    "an intent is done by the provider",
    "the capture is told",
    "a transfer is done by the provider",
    "a number is taken",
    "a refund is done by the provider",
)
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


async def test_what_goes_behind_our_back_is_seen(town: Street) -> None:
    """The negative control of whoever judges the end, and so the last: it is not made good again."""
    story, read = town.story(), town.story()
    await asyncio.gather(story.pays(), sequel.gets_papers(read))
    await kills.all_ended_well(town, [story, read])
    await town.stage.sandbox.stripe.refunds.create_async({"payment_intent": str(await story.intent())})
    await sequel.goes_behind_our_back(read)
    seen = "\n".join(await kills.wrongs_of(town, [story, read]))
    for wrong in (
        "is confirmed: 18900 charged, 0 kept", "'refunded': 0} here", "the books have", "money has left for nothing",
        "were numbered", "has got ['invoice', 'receipt', 'receipt']",
    ):  # fmt: skip
        assert wrong in seen
