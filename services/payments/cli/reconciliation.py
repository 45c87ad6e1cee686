"""`mdh reconciliation`: whether the provider's books and ours say the same."""

import getpass
from datetime import date, timedelta
from typing import Annotated

import typer

from shared.cli.transaction import Url, in_transaction
from shared.clock import now

from ..commands import days, discrepancies
from ..domain.discrepancy import DiscrepancyStatus
from ..queries.discrepancies import latest_discrepancies
from ..queries.reconciliation import latest_days

app = typer.Typer(no_args_is_help=True)
As = Annotated[str, typer.Option("--as", help="who says so", default_factory=getpass.getuser)]


@app.command()
def run(url: Url, day: Annotated[str | None, typer.Option(help="YYYY-MM-DD, in UTC; none: yesterday")] = None) -> None:
    """Have a day compared, also once more; the worker does it, `days` and `list` show what came of it."""
    try:
        wanted = date.fromisoformat(day) if day else now().date() - timedelta(days=1)
    except ValueError:
        typer.echo("A day is written YYYY-MM-DD.", err=True)
        raise typer.Exit(1) from None
    in_transaction(url, lambda session: days.reconcile(session, wanted))
    typer.echo(f"{wanted}: will be compared")


@app.command("days")
def show_days(url: Url, most: Annotated[int, typer.Option(min=1, max=10_000)] = 14) -> None:
    """Day, entries of the provider's, how many had to be asked about; latest first."""
    for one in in_transaction(url, lambda session: latest_days(session, most)):
        state = "compared" if one.finished_at else "waiting"
        typer.echo(f"{one.day}  {one.entries} entries  {one.suspects} suspects  {state}")


@app.command("list")
def show(
    url: Url,
    status: Annotated[DiscrepancyStatus | None, typer.Option(help="only those")] = None,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """Id, status, what it is, what the provider says and what we say; latest first."""
    for one in in_transaction(url, lambda session: latest_discrepancies(session, status, most)):
        says = f"provider: {one.provider_says}, we: {one.we_say}"
        why = f"  {one.owner}: {one.note}" if one.note else ""
        typer.echo(f"{one.id}  {one.status}  {one.kind}  {one.subject}  {one.about}  {says}{why}")


@app.command()
def assign(url: Url, discrepancy: int, owner: As) -> None:
    """They see to it from now on."""
    in_transaction(url, lambda session: discrepancies.assign(session, discrepancy, owner))
    typer.echo(f"discrepancy {discrepancy}: {owner} sees to it")


@app.command()
def explain(url: Url, discrepancy: int, note: str, owner: As) -> None:
    """It is there and that is right: it stays, with this note."""
    in_transaction(url, lambda session: discrepancies.explain(session, discrepancy, owner, note))
    typer.echo(f"discrepancy {discrepancy}: explained")


@app.command()
def resolve(url: Url, discrepancy: int, note: str, owner: As) -> None:
    """It is over; found again it is open again."""
    in_transaction(url, lambda session: discrepancies.resolve(session, discrepancy, owner, note))
    typer.echo(f"discrepancy {discrepancy}: resolved")
