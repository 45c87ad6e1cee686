"""`mdh dead`: what a service gave up, with its error; put it back where it came from, or drop it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from shared import broker

app = typer.Typer(no_args_is_help=True)
Url = Annotated[str, typer.Option(envvar="MDH_AMQP_URL", help="with the service's own broker account")]


@asynccontextmanager
async def _letters(url: str, service: str) -> AsyncIterator[tuple[AbstractQueue, list[AbstractIncomingMessage]]]:
    """All dead letters of a service, taken out while this lasts; those not acknowledged go back."""
    connection = await broker.connect(url, "mdh dead")
    async with connection:
        channel = await connection.channel()
        queue = await channel.get_queue(f"{service}.dead", ensure=True)
        found = []
        while letter := await queue.get(fail=False):
            found.append(letter)
        yield queue, found


def _line(letter: AbstractIncomingMessage) -> str:
    headers = letter.headers
    return "  ".join(
        str(part) for part in (letter.message_id, letter.type, headers["queue"], headers["tries"], headers["error"])
    )


@app.command("list")
def list_letters(service: str, url: Url) -> None:
    """One line each: event id, type, queue, tries, error."""

    async def run() -> None:
        async with _letters(url, service) as (_, letters):
            for letter in letters:
                typer.echo(_line(letter))

    asyncio.run(run())


@app.command()
def show(service: str, event_id: str, url: Url) -> None:
    """One dead letter, whole."""

    async def run() -> None:
        async with _letters(url, service) as (_, letters):
            for letter in (x for x in letters if x.message_id == event_id):
                typer.echo(_line(letter))
                typer.echo(json.dumps(json.loads(letter.body), indent=2))

    asyncio.run(run())


@app.command()
def requeue(service: str, event_id: Annotated[str, typer.Argument(help="an event id, or 'all'")], url: Url) -> None:
    """Send dead letters back to the queues that gave them up, with their tries counted anew."""

    async def run() -> None:
        async with broker.publisher(url, "mdh dead") as out, _letters(url, service) as (_, letters):
            for letter in (x for x in letters if event_id in ("all", x.message_id)):
                await out.publish(
                    broker.retry_exchange(broker.DELAYS[0]), str(letter.headers["queue"]), broker.anew(letter)
                )
                await letter.ack()
                typer.echo(f"requeued {letter.message_id}")

    asyncio.run(run())


@app.command()
def drop(service: str, event_id: str, url: Url) -> None:
    """Remove one dead letter for good."""

    async def run() -> None:
        async with _letters(url, service) as (_, letters):
            for letter in (x for x in letters if x.message_id == event_id):
                await letter.ack()
                typer.echo(f"dropped {letter.message_id}")

    asyncio.run(run())
