"""Whatever happens to bookings, in whatever order, is what a small model says. Longer stories: tests/chaos."""

import asyncio

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from shared.db import Database

from .conftest import Shop
from .life_machine import Life

SHORT = settings(max_examples=40, stateful_step_count=25, deadline=None, derandomize=True, database=None)


async def tell_stories(shop: Shop, database: Database, how: settings) -> None:
    """In a thread: Hypothesis is not asynchronous, and what it does is done in this loop."""
    of = {"shop": shop, "database": database, "loop": asyncio.get_running_loop()}
    await asyncio.to_thread(run_state_machine_as_test, type("Stories", (Life,), of), settings=how)


async def test_the_life_of_bookings_is_what_the_model_says(shop: Shop, database: Database) -> None:
    await tell_stories(shop, database, SHORT)
