"""`kill -9` in the middle of a booking: what was killed is started again; nothing is lost, nothing doubled."""

import asyncio

import httpx
import pytest

from ..running import RunningSystem
from .purchase import purchase

PROGRAMS = (
    "payments-worker", "booking-worker", "notifications-worker", "booking-api", "payments-api", "stripe", "mail",
    "gateway", "postgres",
)  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
async def test_killed_at_every_step(system: RunningSystem, http: httpx.AsyncClient, program: str) -> None:
    """While the slot is being taken, when it is taken, and when it is paid."""
    it = await purchase(system, http)
    taking = asyncio.create_task(it.take())
    await asyncio.sleep(0)  # so that the request is on its way
    await system.kill(program)
    booking = await taking
    await system.kill(program)
    payment = await it.prepared(booking)
    await it.pay(payment)
    await system.kill(program)
    await it.ends_well(booking, payment)
