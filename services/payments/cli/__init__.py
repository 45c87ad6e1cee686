"""Payments' commands for operators, as `mdh` has them."""

import typer

from . import invoices, ledger, parked, reconciliation, webhooks

app = typer.Typer()
app.add_typer(invoices.app, name="invoices", help="Issued papers: check.")
app.add_typer(ledger.app, name="ledger", help="The books: check, balances.")
app.add_typer(parked.app, name="parked", help="Payments that wait for a person: list, clear.")
app.add_typer(webhooks.app, name="webhooks", help="What the provider has told: list, replay.")
app.add_typer(
    reconciliation.app,
    name="reconciliation",
    help="The provider's books beside ours: run, days, list, explain, resolve.",
)
