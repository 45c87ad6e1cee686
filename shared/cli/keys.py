"""`mdh keys`: the keys that identity signs access tokens with. A running identity sees by itself what changes here."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from shared.clock import now
from shared.signing_keys import OVERLAP, KeyState, NoSigningKey, Timetable, prune, read_keys, rotate, signs_from

app = typer.Typer(no_args_is_help=True)

Directory = Annotated[Path, typer.Option(envvar="MDH_SIGNING_KEYS_DIR", exists=True, file_okay=False)]
Pinned = Annotated[str | None, typer.Option("--kid", envvar="MDH_SIGNING_KID", help="the key that was set to sign")]


@app.command("list")
def list_keys(directory: Directory, pinned: Pinned = None) -> None:
    """Every key, the oldest first: whether it signs, and until when it is published."""
    times, at = Timetable(frozenset(_readable(directory)), pinned or None), now()
    for kid in sorted(times.kids, key=lambda kid: (signs_from(kid), kid)):
        typer.echo(f"{kid}  {_told(times, kid, times.state(kid, at))}")


def _told(times: Timetable, kid: str, state: KeyState) -> str:
    over = times.over_at(kid)
    return {
        KeyState.WAITING: f"published, signs from {signs_from(kid):%Y-%m-%d %H:%M:%S} UTC",
        KeyState.SIGNS: "signs",
        KeyState.RETIRING: f"published until {over:%Y-%m-%d %H:%M:%S} UTC" if over else "published",
        KeyState.OVER: "over: prune takes it away",
    }[state]


@app.command("rotate")
def rotate_keys(
    directory: Directory,
    at_once: Annotated[bool, typer.Option("--now", help="sign with it at once: the old one is in wrong hands")] = False,
) -> None:
    """Make a new key. It is published now and signs five minutes later; nothing has to be started anew."""
    _readable(directory)
    made = rotate(directory, now(), overlap=timedelta() if at_once else OVERLAP)
    typer.echo(f"{made}.pem: signs from {signs_from(made):%H:%M:%S} UTC" if made else "a new key waits already")


@app.command("prune")
def prune_keys(directory: Directory, pinned: Pinned = None) -> None:
    """Take away keys whose last token is over; none while identity was told which key signs."""
    _readable(directory)
    for kid in prune(directory, now(), pinned or None):
        typer.echo(f"{kid}.pem: gone")


def _readable(directory: Path) -> list[str]:
    try:
        return list(read_keys(directory))
    except NoSigningKey as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from wrong
