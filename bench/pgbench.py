"""The same statements without a service: what the database alone does, so that the rest can be told."""

import asyncio
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.supervision import Supervision
from shared.testing.servers.binaries import postgres_directory

from .data import FIRST, HOT
from .load import IN_FLIGHT
from .system import System

SCRIPT = Path(__file__).with_name("booking.sql")
RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
FAILED = re.compile(r"failed transactions: 0 ")


async def bookings_per_second(system: System, n: int, *, hot: bool) -> float:
    """`n` bookings in all, as many at once as over HTTP, of hours after those that HTTP has taken.

    Nothing follows from them: the relay is stopped meanwhile, and what it would send is deleted.
    """
    supervision = Supervision(system.home)
    await asyncio.to_thread(supervision.stop, ["booking-worker"])
    try:
        return await _pgbench(system, n, hot=hot)
    finally:
        await (await system.database("booking")).execute("delete from outbox")
        await asyncio.to_thread(supervision.start, ["booking-worker"])


async def _pgbench(system: System, n: int, *, hot: bool) -> float:
    database = urlsplit(system.database_url("booking"))
    given = {"n": 0, "first": FIRST, "hot": HOT if hot else 0, "run": int(hot), "after": 3000}
    command = [
        str(postgres_directory() / "pgbench"), "-n", "-M", "prepared", "-c", str(IN_FLIGHT), "-t", str(n // IN_FLIGHT),
        "-f", str(SCRIPT), *(part for name, value in given.items() for part in ("-D", f"{name}={value}")),
        "-h", str(database.hostname), "-p", str(database.port), "-U", str(database.username), database.path[1:],
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {"PGPASSWORD": str(database.password)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    rate = RATE.search(said)
    if rate is None or not FAILED.search(said):
        raise SystemExit(f"pgbench did not do its work:\n{said}")
    return float(rate[1])
