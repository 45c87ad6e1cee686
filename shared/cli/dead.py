"""`mdh dead`: what a service gave up, with its error; put it back where it came from, or drop it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from shared import broker

ALL = "all"
MOST = 65_535  # letters at a time, as AMQP counts

app = typer.Typer(no_args_is_help=True)
Url = Annotated[str, typer.Option(envvar="MDH_AMQP_URL", help="with the service's own broker account")]


@asynccontextmanager
async def _letters(url: str, service: str, event_id: str = ALL) -> AsyncIterator[list[AbstractIncomingMessage]]:
    """Dead letters of a service, taken out while this lasts; those not acknowledged go back."""
    connection = await broker.connect(url, "mdh dead")
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(f"{service}.dead", passive=True)
        number = min(queue.declaration_result.message_count or 0, MOST)
        await channel.set_qos(prefetch_count=number)  # all at once: one by one, ten thousand take a minute
        found: list[AbstractIncomingMessage] = []
        with contextlib.suppress(TimeoutError):  # somebody else has taken some of them out
            async with queue.iterator(timeout=5) as letters:
                while len(found) < number:
                    found.append(await anext(letters))
        yield [letter for letter in found if event_id in (ALL, letter.message_id)]


def _origin(letter: AbstractIncomingMessage) -> str:
    """The queue that gave it up: our worker says so, or the broker, whose delivery limit was reached."""
    return str(letter.headers.get("queue") or letter.headers.get("x-first-death-queue") or "unknown")


def _line(letter: AbstractIncomingMessage) -> str:
    headers = letter.headers
    error = headers.get("error") or headers.get("x-first-death-reason") or "unknown"
    return "  ".join(
        str(part) for part in (letter.message_id, letter.type, _origin(letter), headers.get("tries"), error)
    )


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2)
    except ValueError:
        return repr(body)


async def _exists(url: str, name: str) -> bool:
    """A message that waits for a queue that is gone would hold up the delay queue for everybody."""
    connection = await broker.connect(url, "mdh dead")
    async with connection:
        try:
            await (await connection.channel()).declare_queue(name, passive=True)
        except ChannelNotFoundEntity:
            return False
        return True


@app.command("list")
def list_letters(service: str, url: Url) -> None:
    """One line each: event id, type, queue, tries, error."""

    async def run() -> None:
        async with _letters(url, service) as letters:
            for letter in letters:
                typer.echo(_line(letter))

    asyncio.run(run())


@app.command()
def show(service: str, event_id: str, url: Url) -> None:
    """One dead letter, whole."""

    async def run() -> None:
        async with _letters(url, service, event_id) as letters:
            for letter in letters:
                typer.echo(_line(letter))
                typer.echo(_pretty(letter.body))

    asyncio.run(run())


@app.command()
def requeue(service: str, event_id: Annotated[str, typer.Argument(help="an event id, or 'all'")], url: Url) -> None:
    """Send dead letters back to the queues that gave them up, with their tries counted anew."""

    async def run() -> None:
        async with broker.publisher(url, "mdh dead") as out, _letters(url, service, event_id) as letters:
            queues = {name: await _exists(url, name) for name in {_origin(letter) for letter in letters}}
            for letter in letters:
                if not queues[_origin(letter)]:
                    typer.echo(f"kept {letter.message_id}: there is no queue {_origin(letter)}", err=True)
                    continue
                # Safe at its new place before it is taken from the old one: an interruption can only double it.
                await out.publish(broker.retry_exchange(broker.DELAYS[0]), _origin(letter), broker.anew(letter))
                await letter.ack()
                typer.echo(f"requeued {letter.message_id}")

    asyncio.run(run())


@app.command()
def drop(service: str, event_id: str, url: Url) -> None:
    """Remove one dead letter for good."""

    async def run() -> None:
        async with _letters(url, service, event_id) as letters:
            for letter in letters:
                await letter.ack()
                typer.echo(f"dropped {letter.message_id}")

    asyncio.run(run())
