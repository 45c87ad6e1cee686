"""`mdh webhooks`: what the provider has told of its own accord, and what came of it."""

from typing import Annotated

import typer

from shared.cli.transaction import Url, in_transaction

from ..commands.webhooks import replay as handle_again
from ..domain.webhook import Outcome
from ..queries.webhooks import latest_webhooks

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def show(
    url: Url,
    outcome: Annotated[Outcome | None, typer.Option(help="only those")] = None,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """Event, type, when it came, what came of it; latest first."""
    for hook in in_transaction(url, lambda session: latest_webhooks(session, outcome, most)):
        typer.echo(f"{hook.event_id}  {hook.type}  {hook.received_at:%Y-%m-%dT%H:%M:%SZ}  {hook.outcome or 'waiting'}")


@app.command()
def replay(url: Url, event_id: str) -> None:
    """Handle one again. What it says is settled as if it had just come: hearing it again changes nothing."""
    in_transaction(url, lambda session: handle_again(session, event_id))
    typer.echo(f"{event_id}: will be handled again")
