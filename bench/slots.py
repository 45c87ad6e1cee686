"""The slots page: 30 days of one crew that has 300 bookings in them. One request at a time, so that it is latency."""

from datetime import UTC, datetime, timedelta

from .data import BUSY, BUSY_BOOKINGS, BUSY_DAYS, CATEGORY, FIRST, MANY, ZIP
from .load import in_flight, request
from .sent import statements
from .system import System
from .table import Table, split

REQUESTS, QUICK = 300, 60


async def measure(system: System, *, quick: bool) -> list[Table]:
    first = datetime.now(UTC).date() + timedelta(days=1)
    last = first + timedelta(days=BUSY_DAYS - 1)
    page = request("GET", f"/booking/v1/slots?tier_id={FIRST + BUSY}&from={first}&to={last}&zip={ZIP}")
    table = Table(
        "Slots page", f"{BUSY_DAYS} days, one crew with {BUSY_BOOKINGS} bookings, open 12 hours a day; 1 in flight"
    )
    n = QUICK if quick else REQUESTS
    for where, url in (("service", system.api("booking")), ("gateway", system.gateway)):
        await in_flight(url, [page] * 20, 1)
        with system.meter.measuring() as spent:
            run = await in_flight(url, [page] * n, 1)
        good = run.only(200)
        table.line(f"at the {where}: p50 / p95 ms", f"{good.ms(50):.1f} / {good.ms(95):.1f}",
                   f"{len(good.answers)} answers, {len(run.answers[-1].body):,} bytes each")  # fmt: skip
        answering = {name: spent[name] for name in ("booking-api", "postgres mdh_booking", "gateway")}
        table.line("  CPU ms each", f"{sum(answering.values()) / n:.1f}", split(answering, n))
    table.line("SQL statements each", str(len(await statements(system, "booking", page))), "as PostgreSQL logs them")
    return [table, await _nearby(system, n)]


async def _nearby(system: System, n: int) -> Table:
    """Who of 50 is free at a moment, with the jobs that other measurements have given them."""
    ids = "&".join(f"affiliate_ids={FIRST + affiliate}" for affiliate in MANY[:50])
    at = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:00:00Z")
    page = request("GET", f"/booking/v1/slots/nearby?{ids}&category={CATEGORY}&zip={ZIP}&at={at}")
    await in_flight(system.api("booking"), [page] * 20, 1)
    run = await in_flight(system.api("booking"), [page] * n, 1)
    good = run.only(200)
    table = Table("Who is free nearby", "50 affiliates in one call; 1 in flight, at the service")
    table.line("p50 / p95 ms", f"{good.ms(50):.1f} / {good.ms(95):.1f}",
               f"{len(good.answers)} answers, {len(run.answers[-1].body):,} bytes each")  # fmt: skip
    table.line("SQL statements each", str(len(await statements(system, "booking", page))), "as PostgreSQL logs them")
    return table
