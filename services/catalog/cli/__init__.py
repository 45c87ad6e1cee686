"""Catalog's commands for operators, as `mdh` has them."""

import typer

from . import config

app = typer.Typer()
app.add_typer(config.app, name="config", help="The platform's configuration: get, set, history.")
