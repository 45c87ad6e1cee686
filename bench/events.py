"""Events: from the commit to a consumer, out of a backlog, into analytics.

The events are reviews': of `reviews.review_changed.v1` only analytics takes notice, so nothing else is set going.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aio_pika.abc import AbstractIncomingMessage

from deploy.local.supervision import Supervision
from shared import broker
from shared.contracts.reviews import ReviewChanged
from shared.db import Database
from shared.outbox import record

from .load import percentile
from .system import System
from .table import Table, split

RATE, SECONDS, QUICK_SECONDS = 100, 20, 5
BACKLOG, QUICK_BACKLOG = 5_000, 1_000
WITHIN = 120.0  # seconds
FIRST = 10**9  # ids of the reviews that these events tell of
UNSENT = "select count(*) from outbox"
COUNTED = "select count(*) from analytics_events"


async def measure(system: System, *, quick: bool) -> list[Table]:
    reviews = Database(system.database_url("reviews"), application_name="bench")
    try:
        return [
            await _latency(system, reviews, QUICK_SECONDS if quick else SECONDS),
            await _backlog(system, reviews, QUICK_BACKLOG if quick else BACKLOG),
        ]
    finally:
        await reviews.close()


def _change(number: int, version: int = 1) -> ReviewChanged:
    return ReviewChanged(
        review_id=FIRST + number, version=version, booking_id=number, affiliate_id=1, customer_id=1, rating=5
    )


async def _latency(system: System, reviews: Database, seconds: int) -> Table:
    """From the moment that the commit was answered until a consumer of our own has the message in its hands."""
    committed: dict[int, float] = {}
    received: dict[int, float] = {}
    n, order = RATE * seconds, 0
    async with await broker.connect(system.amqp_url("reviews"), "bench") as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("reviews.bench", exclusive=True)
        await queue.bind(broker.EVENTS, ReviewChanged.type)

        async def receive(message: AbstractIncomingMessage) -> None:
            received[int(str(message.headers["aggregate-id"])) - FIRST] = time.perf_counter()

        await queue.consume(receive, no_ack=True)
        began = time.perf_counter()
        with system.meter.measuring() as spent:
            for number in range(n):
                await asyncio.sleep(began + number / RATE - time.perf_counter())
                async with reviews.begin() as session:
                    record(session, _change(number))
                committed[number] = time.perf_counter()
            order = await _until(lambda: _all_there(received, n))
    times = [max(received[number] - committed[number], 0) * 1000 for number in received]
    table = Table("Events, commit to consumer", f"{RATE} events a second for {seconds} s, asked for")
    rate = n / (max(committed.values()) - began)
    table.line("p50 / p99 ms", f"{percentile(times, 50):.1f} / {percentile(times, 99):.1f}", f"at {rate:.0f} a second")
    table.line("received", f"{len(received)}", f"of {n}" if order else f"of {n}: NOT ALL")
    table.line("CPU ms per event, all processes", f"{sum(spent.values()) / n:.2f}", split(spent, n))
    return table


async def _all_there(received: dict[int, float], n: int) -> bool:
    return len(received) >= n


async def _backlog(system: System, reviews: Database, n: int) -> Table:
    """Analytics is stopped while the relay empties the outbox, so that each is measured alone."""
    supervision = Supervision(system.home)
    await system.rest()
    await asyncio.to_thread(supervision.stop, ["analytics-worker"])
    before = await system.count("analytics", COUNTED)
    async with reviews.begin() as session:
        for number in range(n):
            record(session, _change(number, version=2))
    drained = await _seconds(lambda: _is(system, "reviews", UNSENT, 0))
    await asyncio.to_thread(supervision.start, ["analytics-worker"])
    await _until(lambda: _is_more(system, before))
    start = await system.count("analytics", COUNTED)
    with system.meter.measuring() as spent:
        consumed = await _seconds(lambda: _is(system, "analytics", COUNTED, before + n))
    table = Table("Events, a backlog", f"{n:,} rows in the outbox at once")
    table.line("relay, events per second", f"{n / drained:.0f}", f"outbox empty after {drained:.1f} s")
    left = before + n - start
    table.line("analytics, events per second", f"{left / consumed:.0f}", f"the last {left:,} in {consumed:.1f} s")
    used = {name: spent[name] for name in ("analytics-worker", "postgres mdh_analytics", "rabbitmq")}
    table.line("  CPU ms per event", f"{sum(used.values()) / max(left, 1):.2f}", split(used, max(left, 1)))
    return table


async def _is(system: System, service: str, statement: str, wanted: int) -> bool:
    return await system.count(service, statement) == wanted


async def _is_more(system: System, before: int) -> bool:
    return await system.count("analytics", COUNTED) > before


async def _seconds(reached: Callable[[], Awaitable[bool]]) -> float:
    began = time.perf_counter()
    if not await _until(reached):
        raise SystemExit(f"not done within {WITHIN:.0f} s")
    return time.perf_counter() - began


async def _until(reached: Callable[[], Awaitable[bool]]) -> bool:
    """Says whether it came to be."""
    deadline = time.perf_counter() + WITHIN
    while time.perf_counter() < deadline:
        if await reached():
            return True
        await asyncio.sleep(0.05)
    return False
