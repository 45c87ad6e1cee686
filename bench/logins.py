"""Logging in: `POST /identity/v1/login` at identity, with the right password, against what the machine hashes at all.

Each login is one Argon2id (19 MiB, t=2, p=1) and four SQL statements, the limits' among them; only their numbers are
raised. Meanwhile somebody reads their own account, twenty times a second.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from argon2 import PasswordHasher

from shared.auth import Actor, Role

from .load import IN_FLIGHT, Answer, Connection, Run, in_flight, request
from .system import System
from .table import Table, split

LOGINS, QUICK = 1_000, 200
ACCOUNTS = 200
AT_ONCE = 2  # MDH_HASHES_AT_ONCE
BARE = 3.0  # seconds
PAUSE = 0.05  # seconds between two looks at one's account
PASSWORD = "olive-Gantry-58-sill"
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
PEOPLE = """
insert into users (email, password_hash, role, full_name, locale, timezone)
select 'login-' || n || '@example.com', $2, 'affiliate', 'Bench', 'en-US', 'UTC' from generate_series(1, $1::int) as n
returning id"""


async def measure(system: System, *, quick: bool) -> list[Table]:
    database, url, n = await system.database("identity"), system.api("identity"), QUICK if quick else LOGINS
    me = request("GET", "/identity/v1/me", system.token(await _people(database)))
    table = Table("Logins", f"{IN_FLIGHT} in flight at identity, which hashes {AT_ONCE} at once; {ACCOUNTS} accounts")
    bare = await asyncio.to_thread(_bare, HASHER.hash(PASSWORD))
    quiet, _ = await _reading(url, me, asyncio.sleep(BARE))
    with system.meter.measuring() as spent:
        busy, run = await _reading(url, me, in_flight(url, _logins(n), within=60))
    good = run.only(200)
    table.line("bare Argon2id, per second", f"{bare:.0f}", f"{AT_ONCE} threads, nothing else asked of the machine")
    table.line("logins per second", f"{good.per_second:.0f}", f"answers: {dict(run.statuses)}")
    table.line("  of the bare rate", f"{good.per_second / bare:.2f}")
    table.line("  p50 / p99 ms", f"{good.ms(50):.0f} / {good.ms(99):.0f}")
    used = {name: spent[name] for name in ("identity-api", "postgres mdh_identity")}
    table.line("  CPU ms each", f"{sum(used.values()) / n:.1f}", split(used, n))
    for what, seen in (("GET /me, quiet", quiet), ("GET /me, meanwhile", busy)):
        table.line(f"{what}: p50 / p99 ms", f"{seen.ms(50):.1f} / {seen.ms(99):.1f}", f"{dict(seen.statuses)}")
    return [table]


async def _people(database: Any) -> Actor:
    """As rows: only logging in is measured."""
    ids = await database.fetch(PEOPLE, ACCOUNTS, HASHER.hash(PASSWORD))
    return Actor(user_id=ids[0]["id"], affiliates={1: Role.OWNER})


def _logins(n: int) -> Sequence[bytes]:
    emails = (f"login-{i % ACCOUNTS + 1}@example.com" for i in range(n))
    return [request("POST", "/identity/v1/login", body={"email": email, "password": PASSWORD}) for email in emails]


def _bare(known: str) -> float:
    """Hashes per second that this machine computes, as many at once as identity does."""
    deadline, began = time.perf_counter() + BARE, time.perf_counter()

    def one(_: int) -> int:
        count = 0
        while time.perf_counter() < deadline:
            HASHER.verify(known, PASSWORD)
            count += 1
        return count

    with ThreadPoolExecutor(AT_ONCE) as threads:
        done = sum(threads.map(one, range(AT_ONCE)))
    return done / (time.perf_counter() - began)


async def _reading(url: str, me: bytes, work: Awaitable[Any]) -> tuple[Run, Any]:
    """What reading one's account took while the work was done, and what came of the work."""
    began, task, answers = time.perf_counter(), asyncio.ensure_future(work), list[Answer]()
    async with Connection(url) as connection:
        while not task.done():
            answers.append(await connection.ask(me))
            await asyncio.sleep(PAUSE)
    return Run(time.perf_counter() - began, answers), await task
