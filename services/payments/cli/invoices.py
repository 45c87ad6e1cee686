"""`mdh invoices`: whether the numbers of issued papers have holes."""

import typer

from shared.cli.transaction import Url, in_transaction

from ..queries.invoices import ranges_with_holes

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """So that `check` is named although it is alone."""


@app.command()
def check(url: Url) -> None:
    """Count every number range; ends with 1 if one has a hole."""
    found = in_transaction(url, ranges_with_holes)
    for kind, issuer_id, year, last, issued in found:
        typer.echo(f"{kind} of {issuer_id or 'the platform'} in {year}: {issued} issued, numbers up to {last}")
    if found:
        raise typer.Exit(1)
    typer.echo("no number is missing")
