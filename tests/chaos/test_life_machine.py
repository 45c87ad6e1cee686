"""The life of bookings against its model: longer stories, and others each time. It needs no running system.

`MDH_CHAOS_STORIES` says how many.
"""

import os
from collections.abc import Callable

import httpx
import pytest
from hypothesis import settings

from shared.auth import Actor
from shared.db import Database
from shared.testing.plugin import Deliver, Headers

from ..booking.conftest import open_shop
from ..booking.test_life_machine import tell_stories

STORIES = int(os.environ.get("MDH_CHAOS_STORIES", "200"))
LONG = settings(max_examples=STORIES, stateful_step_count=60, deadline=None, database=None, print_blob=True)


@pytest.fixture(scope="session")
def service() -> str:
    return "booking"


async def test_the_life_of_bookings_is_what_the_model_says_in_long_stories(
    client: httpx.AsyncClient, as_: Callable[[Actor], Headers], deliver: Deliver, database: Database
) -> None:
    await tell_stories(await open_shop(client, as_, deliver), database, LONG)
