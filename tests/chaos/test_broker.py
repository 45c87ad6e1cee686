"""RabbitMQ goes away during a booking: what is asked of the API is done, what has to be told is told later."""

import asyncio

import httpx

from deploy.local.supervision import Supervision

from ..running import RunningSystem
from .purchase import purchase


async def test_killed_during_a_booking(system: RunningSystem, http: httpx.AsyncClient) -> None:
    it = await purchase(system, http)
    await system.kill("rabbitmq")
    booking = await it.take()
    payment = await it.prepared(booking)
    await system.kill("rabbitmq")
    await it.pay(payment)
    await it.ends_well(booking, payment)


async def test_bookings_are_taken_while_it_is_stopped(system: RunningSystem, http: httpx.AsyncClient) -> None:
    buyers = [await purchase(system, http) for _ in range(2)]
    supervision = Supervision(system.home)
    await asyncio.to_thread(supervision.stop, ["rabbitmq"])
    try:
        bookings = [await it.take() for it in buyers]
        assert [booking["status"] for booking in bookings] == ["held", "held"]
        assert "booking" in await system.untold()
    finally:
        await asyncio.to_thread(supervision.start, ["rabbitmq"])
    for it, booking in zip(buyers, bookings, strict=True):
        payment = await it.prepared(booking)
        await it.pay(payment)
        await it.ends_well(booking, payment)
