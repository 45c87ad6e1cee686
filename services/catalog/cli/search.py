"""`mdh search`: the read model of the search, made anew on the running system."""

import typer

from shared.cli.transaction import Url, in_transaction

from ..commands.search import rebuild_search

app = typer.Typer(no_args_is_help=True)


@app.callback()
def search() -> None:
    """The read model of the search."""


@app.command()
def rebuild(url: Url) -> None:
    """Make it anew of the events recorded. Searches go on as it was until it is done."""
    typer.echo(f"{in_transaction(url, rebuild_search)} affiliates")
