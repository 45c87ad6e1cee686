"""Catalog's commands for operators, as `mdh` has them."""

import typer

from . import config, search

app = typer.Typer()
app.add_typer(config.app, name="config", help="The platform's configuration: get, set, history.")
app.add_typer(search.app, name="search", help="The read model of the search: rebuild.")
