"""`mdh parked`: payments in which something does not add up, and that nobody asks the provider about any more."""

import typer

from shared.cli.transaction import Url, in_transaction

from ..commands.reconciliation import clear_attention
from ..queries.payments import parked_payments

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def show(url: Url) -> None:
    """Payment, booking, status, and what does not add up."""
    for payment in in_transaction(url, parked_payments):
        typer.echo(f"{payment.id}  booking {payment.booking_id}  {payment.status}  {payment.attention}")


@app.command()
def clear(url: Url, payment_id: int) -> None:
    """Somebody has looked: it is asked about again, and parked again if nothing was mended."""
    in_transaction(url, lambda session: clear_attention(session, payment_id))
    typer.echo(f"payment {payment_id}: cleared")
