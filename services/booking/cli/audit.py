"""`mdh audit`: whether the rows are what their events say."""

from enum import StrEnum

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from shared.cli.transaction import Url, in_transaction

from ..queries.history import all_not_as_told

app = typer.Typer(no_args_is_help=True)


class Audited(StrEnum):
    BOOKING = "booking"


@app.callback()
def audit() -> None:
    """The trail of events against the rows."""


@app.command()
def verify(url: Url, service: Audited) -> None:
    """Rebuild every booking, quote and series from its events and name what differs; ends with 1 if anything does."""
    if in_transaction(url, _tell):
        raise typer.Exit(1)
    typer.echo(f"{service}: every row is what its events say")


async def _tell(session: AsyncSession) -> int:
    found = 0
    async for wrong in all_not_as_told(session):
        typer.echo(wrong)
        found += 1
    return found
