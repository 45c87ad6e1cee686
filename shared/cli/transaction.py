"""What a command does in a service's database: one transaction, with the operator as its actor."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from shared.context import Cause, caused_by
from shared.db import Database
from shared.errors import Refusal
from shared.ids import new_id

T = TypeVar("T")
Url = Annotated[str, typer.Option(envvar="MDH_DATABASE_URL", help="the service's own")]


def in_transaction(url: str, work: Callable[[AsyncSession], Awaitable[T]], *, actor: str = "operator") -> T:
    """A refusal is told, and ends the command with 1."""

    async def run() -> T:
        database = Database(url, pool_size=1, application_name="mdh")
        try:
            with caused_by(Cause(str(new_id()), actor=actor)):
                async with database.begin() as session:
                    return await work(session)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except Refusal as refusal:
        typer.echo(refusal.detail, err=True)
        raise typer.Exit(1) from None
