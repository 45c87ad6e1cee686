"""`mdh jobs`: how a service's jobs went, which calls to the outside were given up."""

import asyncio
from typing import Annotated

import typer
from sqlalchemy import text

from shared.db import Database

app = typer.Typer(no_args_is_help=True)
Url = Annotated[str, typer.Option(envvar="MDH_DATABASE_URL", help="the service's own")]

RUNS = """
    select job, outcome, started_at, finished_at - started_at, coalesce(error, '') from job_runs
     order by id desc limit :most"""
FAILED = "select id, name, arguments, tries, last_error from tasks where failed order by id"
AGAIN = "update tasks set failed = false, tries = 0, due_at = now() where failed and (:id = 0 or id = :id)"


async def _rows(url: str, sql: str, **values: int) -> None:
    database = Database(url, pool_size=1)
    try:
        async with database.begin() as session:
            result = await session.execute(text(sql), values)
            for row in result if result.returns_rows else ():  # type: ignore[attr-defined]
                typer.echo("  ".join(str(value) for value in row))
    finally:
        await database.close()


@app.command()
def runs(url: Url, most: int = 50) -> None:
    """The latest runs: job, outcome, start, duration, error."""
    asyncio.run(_rows(url, RUNS, most=most))


@app.command()
def failed(url: Url) -> None:
    """Calls to the outside that were given up."""
    asyncio.run(_rows(url, FAILED))


@app.command()
def retry(url: Url, task_id: int = 0) -> None:
    """Make one of them again, or all."""
    asyncio.run(_rows(url, AGAIN, id=task_id))
