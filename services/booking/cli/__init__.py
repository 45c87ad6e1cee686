"""Booking's commands for operators, as `mdh` has them."""

import typer

from . import audit

app = typer.Typer()
app.add_typer(audit.app, name="audit", help="The trail of events against the rows: verify.")
