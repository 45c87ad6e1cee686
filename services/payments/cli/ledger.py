"""`mdh ledger`: whether the books are right, and what they come to."""

import typer

from shared.cli.transaction import Url, in_transaction

from ..commands.ledger import faults
from ..queries.ledger import trial_balance

app = typer.Typer(no_args_is_help=True)


@app.command()
def check(url: Url) -> None:
    """Compare every journal and every payment with the books; ends with 1 if anything differs."""
    found = in_transaction(url, faults)
    for fault in found:
        typer.echo(fault)
    if found:
        raise typer.Exit(1)
    typer.echo("the books are right")


@app.command()
def balances(url: Url) -> None:
    """Every account's balance in cents, by currency; debits are positive."""
    for currency, account, cents in in_transaction(url, trial_balance):
        typer.echo(f"{currency}  {account:<20}{cents:>16,}")
