"""Bookings over HTTP through the gateway: `POST /booking/v1/bookings` with an Idempotency-Key, answered 201 (held).

All that follows from a booking is counted too: its events, the payment intent, the e-mail, the numbers of analytics.
Only the stand-ins for the world outside (mail catcher, Stripe sandbox) and this client are left out.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from .data import HOT, MANY, RACE, Customers, Slot, slots
from .load import IN_FLIGHT, Run, at_once, in_flight
from .pgbench import bookings_per_second
from .sent import statements
from .system import System
from .table import Table, split

BOOKINGS, QUICK = 800, 160
ALONE = 100
WARM_UP = 64
RACES, RACERS = 5, 48
IDLE = 4.0  # seconds
ANSWERING = ("gateway", "booking-api", "postgres mdh_booking")


async def measure(system: System, *, quick: bool) -> list[Table]:
    customers, n = Customers(system), QUICK if quick else BOOKINGS
    await in_flight(system.gateway, [customers.booking(slot) for slot in slots(MANY, WARM_UP)])
    await system.rest()
    idle = await _idle(system)
    return [
        await _bookings(system, customers, "one hot affiliate", slots([HOT], n), idle),
        await _bookings(system, customers, "200 affiliates", slots(MANY, n, after=2), idle),
        await _alone(system, customers),
        await _races(system, customers),
    ]


async def _idle(system: System) -> Counter[str]:
    """Milliseconds per second that the system spends with nothing to do."""
    with system.meter.measuring() as spent:
        await asyncio.sleep(IDLE)
    return Counter({name: ms / IDLE for name, ms in spent.items()})


async def _bookings(
    system: System, customers: Customers, where: str, wanted: Sequence[Slot], idle: Counter[str]
) -> Table:
    requests = [customers.booking(slot) for slot in wanted]
    began = time.perf_counter()
    with system.meter.measuring() as spent:
        with system.meter.measuring() as meanwhile:
            run = await in_flight(system.gateway, requests)
        rested = await system.rest()
    seconds, held = time.perf_counter() - began, run.only(201)
    busy = Counter({name: max(ms - idle[name] * seconds, 0) for name, ms in spent.items()})
    pgbench = await bookings_per_second(system, len(requests), hot=where.startswith("one"))
    await system.rest()
    table = Table(f"Bookings, {where}", f"{IN_FLIGHT} in flight through the gateway, with Idempotency-Key")
    _answers(table, run, held, pgbench)
    table.line(
        "CPU ms each meanwhile", f"{sum(meanwhile.values()) / len(requests):.1f}", split(meanwhile, len(requests))
    )
    _cpu(table, spent, busy, idle, len(held.answers))
    if not rested:
        table.line("  NOT AT REST", "", "what followed was not finished within a minute: CPU is understated")
    return table


def _answers(table: Table, run: Run, held: Run, pgbench: float) -> None:
    table.line("held (201)", str(len(held.answers)), f"answers: {dict(run.statuses)}")
    table.line("per second", f"{held.per_second:.0f}")
    table.line("p50 / p99 ms", f"{held.ms(50):.0f} / {held.ms(99):.0f}")
    table.line(
        "pgbench, same SQL, per second", f"{pgbench:.0f}", f"HTTP comes to {held.per_second / pgbench:.2f} of it"
    )


def _cpu(table: Table, spent: Counter[str], busy: Counter[str], idle: Counter[str], n: int) -> None:
    answering = sum(busy[name] for name in ANSWERING)
    table.line("CPU ms per booking, all processes", f"{sum(spent.values()) / n:.1f}", "all that follows included")
    table.line("  less what the idle system takes", f"{sum(busy.values()) / n:.1f}", split(busy, n))
    table.line("  of it to answer", f"{answering / n:.1f}", ", ".join(ANSWERING))
    table.line("idle system, CPU ms per second", f"{sum(idle.values()):.0f}", split(idle, 1, least=2))


async def _alone(system: System, customers: Customers) -> Table:
    """What one takes when nothing else is asked: at the service, without the gateway."""
    asked = [customers.booking(slot) for slot in slots(MANY, ALONE + 1, after=20)]
    table = Table("Bookings, one at a time", "at the service, 200 affiliates, with Idempotency-Key")
    with system.meter.measuring() as spent:
        held = (await in_flight(system.api("booking"), asked[:ALONE], 1)).only(201)
    used = {name: spent[name] for name in ANSWERING}
    table.line("p50 / p95 ms", f"{held.ms(50):.1f} / {held.ms(95):.1f}", f"{len(held.answers)} of {ALONE} held")
    table.line("CPU ms to answer", f"{sum(used.values()) / ALONE:.1f}", split(used, ALONE))
    sent = await statements(system, "booking", asked[ALONE])
    table.line("SQL statements each", str(len(sent)), "as PostgreSQL logs them, BEGIN and COMMIT among them")
    await system.rest()
    return table


async def _races(system: System, customers: Customers) -> Table:
    """Winners of a one-place slot: one in each, or the promise is broken."""
    table = Table("Races for a one-place slot", f"{RACERS} customers, through the gateway")
    for number, slot in enumerate(slots([RACE], 2 * RACES), 1):
        asked = [customers.booking(slot) for _ in range(RACERS)]
        together = number <= RACES
        run = await (at_once(system.gateway, asked) if together else in_flight(system.gateway, asked))
        how = "all at once" if together else f"{IN_FLIGHT} in flight"
        table.line(f"race {number}, {how}: winners", str(run.statuses[201]), f"answers: {dict(run.statuses)}")
        if run.statuses[201] != 1 or set(run.statuses) > {201, 409}:
            raise SystemExit(f"{run.statuses[201]} winners of one place: {table}")
    return table
