"""`mdh search`: the read model of the search, made anew on the running system."""

import asyncio
from typing import Annotated

import typer

from shared.db import Database

from ..commands.search import rebuild_search

app = typer.Typer(no_args_is_help=True)


@app.callback()
def search() -> None:
    """The read model of the search."""


@app.command()
def rebuild(url: Annotated[str, typer.Option(envvar="MDH_DATABASE_URL", help="as catalog's role")]) -> None:
    """Make it anew of the events recorded. Searches go on as it was until it is done."""

    async def run() -> int:
        database = Database(url, pool_size=1, application_name="mdh search")
        try:
            async with database.begin() as session:
                return await rebuild_search(session)
        finally:
            await database.close()

    typer.echo(f"{asyncio.run(run())} affiliates")
