"""`kill -9` in the middle of a booking: what was killed is started again; nothing is lost, nothing doubled."""

import asyncio
import random

import httpx
import pytest

from ..running import RunningSystem
from .purchase import purchase

MOMENT = 0.3  # seconds within which what was begun is being worked on


@pytest.mark.parametrize(
    "program",
    ["payments-worker", "booking-worker", "notifications-worker", "booking-api", "payments-api", "stripe", "mail",
     "gateway", "postgres"],
)  # fmt: skip
async def test_killed_when_the_slot_is_taken_and_when_it_is_paid(
    system: RunningSystem, http: httpx.AsyncClient, program: str
) -> None:
    it = await purchase(system, http)
    booking = await it.take()
    await kill_in_a_moment(system, program)
    payment = await it.prepared(booking)
    await it.pay(payment)
    await kill_in_a_moment(system, program)
    await it.ends_well(booking, payment)


@pytest.mark.parametrize("program", ["booking-api", "gateway", "postgres"])
async def test_killed_while_the_slot_is_being_taken(
    system: RunningSystem, http: httpx.AsyncClient, program: str
) -> None:
    """The client does not know whether it has the slot; it asks again with the same key."""
    it = await purchase(system, http)
    taking = asyncio.create_task(it.take())
    await kill_in_a_moment(system, program)
    booking = await taking
    payment = await it.prepared(booking)
    await it.pay(payment)
    await it.ends_well(booking, payment)


async def kill_in_a_moment(system: RunningSystem, program: str) -> None:
    """Each time at another point of the work; the runs together come upon many."""
    await asyncio.sleep(random.random() * MOMENT)
    await system.kill(program)
