"""`mdh config`: the platform's configuration, read and changed on the running system as the API does it."""

import getpass
import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.cli.transaction import Url, in_transaction
from shared.http import Page

from ..commands.config import change_config
from ..queries.config import config_history, get_config
from ..schemas.config import ConfigChangeView, ConfigRequest, ConfigView

LONGEST_NAME = 80

app = typer.Typer(no_args_is_help=True)
Operator = Annotated[
    str | None, typer.Option("--as", help="your name, for the history; by default the one you are logged in with")
]


@app.command()
def get(url: Url, name: Annotated[str, typer.Argument(help="one value; all if it is left out")] = "") -> None:
    """What holds now, as `name=value` in JSON, in the form that `set` takes."""
    config = in_transaction(url, get_config)
    values = ConfigView.model_validate(config).model_dump(mode="json")
    if name and name not in values:
        raise typer.BadParameter(f"there is no {name}; there are {', '.join(values)}")
    for known, value in values.items():
        if name in ("", known):
            typer.echo(json.dumps(value) if name else f"{known}={json.dumps(value)}")


@app.command("set")
def change(
    url: Url,
    changes: Annotated[list[str], typer.Argument(help="name=value, the value in JSON or as a plain word")],
    operator: Operator = None,
    version: Annotated[int | None, typer.Option(help="refuse if it is another by now")] = None,
) -> None:
    """Change values; those that are not named stay. Every service goes by them within seconds."""
    operator = operator or getpass.getuser()
    if not operator.isprintable() or len(operator) > LONGEST_NAME:
        raise typer.BadParameter("a name has at most 80 printable characters")
    try:
        wanted = ConfigRequest.model_validate(_read(changes))
    except ValidationError as invalid:
        raise typer.BadParameter("; ".join(_told(error) for error in invalid.errors())) from None

    async def run(session: AsyncSession) -> int:
        return (await change_config(session, version, wanted, operator=operator)).version

    typer.echo(f"version {in_transaction(url, run, actor=f'operator:{operator}')}")


@app.command()
def history(url: Url, most: Annotated[int, typer.Option(min=1, max=1000)] = 20) -> None:
    """Who changed what and when, latest first."""

    async def run(session: AsyncSession) -> Sequence[Any]:
        return (await config_history(session, Page(limit=most))).items

    for change in in_transaction(url, run):
        told = ConfigChangeView.model_validate(change)
        by = told.operator or (f"user {told.changed_by}" if told.changed_by else "installation")
        what = [f"{name}: {json.dumps(was)} -> {json.dumps(now)}" for name, (was, now) in told.changes.items()]
        typer.echo("  ".join([str(told.version), f"{told.created_at:%Y-%m-%dT%H:%M:%SZ}", by, *what]))


def _read(changes: Sequence[str]) -> dict[str, Any]:
    """`features.reviews=false` names one of several."""
    wanted: dict[str, Any] = {}
    for change in changes:
        name, given, text = change.partition("=")
        if not given:
            raise typer.BadParameter(f"{change} is not name=value")
        outer, dot, inner = name.partition(".")
        if dot:
            wanted.setdefault(outer, {})[inner] = _value(text)
        else:
            wanted[outer] = _value(text)
    return wanted


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _told(error: Any) -> str:
    return f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
