"""What an API's connections say to PostgreSQL during one request, by its log."""

import asyncio
import re
from typing import Any

from .load import in_flight
from .system import System

LOGGED = re.compile(r"LOG:  (?:execute \S+|statement): (.*)")
OF_API = "select pid from pg_stat_activity where application_name = $1"


async def statements(system: System, service: str, request: bytes) -> list[str]:
    log = system.home.log("postgres")
    database = await system.database(service)
    await _log_statements(database, "all")
    began = log.stat().st_size
    await in_flight(system.api(service), [request], 1)
    pids = {f"[{row[0]}]" for row in await database.fetch(OF_API, f"{service} api")}
    await _log_statements(database, "none")
    lines = log.read_bytes()[began:].decode().splitlines()
    found = [(line, LOGGED.search(line)) for line in lines]
    return [match[1] for line, match in found if match and any(pid in line for pid in pids)]


async def _log_statements(database: Any, which: str) -> None:
    for statement in (f"alter system set log_statement = '{which}'", "select pg_reload_conf()"):
        await database.execute(statement)
    await asyncio.sleep(0.5)
