"""RabbitMQ, the one place where connections, exchanges and queues are made (docs/decisions/0003).

aio-pika directly, with the settings that lose nothing: persistent messages, confirms, `mandatory`, a short heartbeat,
and a deadline on every publish (`asyncio.timeout`, because a frozen broker ignores the library's own).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError, PublishError
from opentelemetry import propagate
from opentelemetry.context import Context

from shared.events import Envelope

EVENTS = "mdh.events"
DEAD = "mdh.dead"
DELAYS: tuple[int, ...] = (5, 30, 300, 1800)  # seconds
HEARTBEAT = 10  # seconds; 60 by default, minutes until a lost broker is noticed
PUBLISH_TIMEOUT = 5.0  # seconds
CLOSE_TIMEOUT = 2.0  # seconds; a frozen broker would be waited for without end
TRACE = ("traceparent", "tracestate")  # headers of W3C's Trace Context
FAILURES = (aio_pika.exceptions.AMQPError, ConnectionError, OSError, TimeoutError, RuntimeError)


class Unroutable(Exception):
    """No queue takes this message: the topology is not complete, so the message must not be let go."""


def retry_exchange(delay: int) -> str:
    return f"mdh.retry.{delay}s"


async def connect(url: str, name: str) -> AbstractConnection:
    """A plain connection: whoever holds it sets everything up again when it breaks, in one place and in order."""
    return await aio_pika.connect(url, heartbeat=HEARTBEAT, timeout=5, client_properties={"connection_name": name})


async def disconnect(connection: AbstractConnection) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await connection.close()


@contextmanager
def only_cancelled_by_us() -> Iterator[None]:
    """A lost heartbeat cancels whoever waits for the broker, although nobody cancelled this task: a lost connection."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("connection to the broker lost") from error


def message(body: bytes, envelope: Envelope, headers: dict[str, Any]) -> aio_pika.Message:
    """An event on the wire: the envelope in AMQP's own properties, the rest in headers."""
    return aio_pika.Message(
        body,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=str(envelope.event_id),
        type=envelope.type,
        timestamp=envelope.occurred_at,
        app_id=envelope.producer,
        correlation_id=envelope.correlation_id,
        headers=headers
        | {
            "causation": envelope.causation_id,
            "actor": envelope.actor,
            "aggregate-type": envelope.aggregate_type,
            "aggregate-id": envelope.aggregate_id,
            "aggregate-version": envelope.aggregate_version,
            "occurred-at": envelope.occurred_at.isoformat(),
            "tries": envelope.tries,
        },
    )


def envelope_of(incoming: AbstractIncomingMessage) -> Envelope:
    headers = incoming.headers
    return Envelope.model_validate(
        {
            "event_id": incoming.message_id,
            "type": incoming.type,
            "producer": incoming.app_id,
            "occurred_at": headers.get("occurred-at"),
            "correlation_id": incoming.correlation_id,
            "causation_id": headers.get("causation"),
            "actor": headers.get("actor"),
            "aggregate_type": headers.get("aggregate-type"),
            "aggregate_id": headers.get("aggregate-id"),
            "aggregate_version": headers.get("aggregate-version"),
            "trace": {name: str(headers[name]) for name in TRACE if name in headers},
            "tries": headers.get("tries", 0),
        }
    )


def trace_of(envelope: Envelope) -> Context:
    return propagate.extract(envelope.trace)


class Publisher:
    """Publishes with confirms over a connection of its own, so that a blocked publisher never blocks consumers."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchanges: dict[str, AbstractExchange] = {}
        self._lock = asyncio.Lock()

    async def publish(self, exchange: str, routing_key: str, message: aio_pika.Message) -> None:
        """Returns when the broker has the message safely; raises `Unroutable`, or one of `FAILURES`."""
        try:
            with only_cancelled_by_us():
                async with asyncio.timeout(PUBLISH_TIMEOUT):
                    target = await self._exchange(exchange)
                    await target.publish(message, routing_key, mandatory=True)
        except PublishError as error:
            raise Unroutable(f"{routing_key} on {exchange}") from error
        except DeliveryError as error:
            raise ConnectionError(f"not confirmed: {error}") from error

    async def _exchange(self, name: str) -> AbstractExchange:
        async with self._lock:
            if (
                self._connection is None
                or self._connection.is_closed
                or self._channel is None
                or self._channel.is_closed
            ):
                await self._open()
            assert self._connection is not None
            assert self._connection.transport is not None
            # While the broker blocks publishers (memory or disk alarm), what is written piles up and arrives later.
            await self._connection.transport.ready()
            if name not in self._exchanges:
                assert self._channel is not None
                self._exchanges[name] = await self._channel.get_exchange(name, ensure=False)
            return self._exchanges[name]

    async def _open(self) -> None:
        await self.close()
        self._connection = await connect(self._url, self._name)
        self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        self._exchanges.clear()
        if connection is not None and not connection.is_closed:
            await disconnect(connection)


@asynccontextmanager
async def publisher(url: str, name: str) -> AsyncIterator[Publisher]:
    opened = Publisher(url, name)
    try:
        yield opened
    finally:
        await opened.close()


def anew(letter: AbstractIncomingMessage, **headers: Any) -> aio_pika.Message:
    """The same event once more, with these headers; `tries` counts from 0 unless it is among them.

    Without the broker's own headers: a queue that stands in `x-death` would count as a cycle, and RabbitMQ drops those.
    """
    carried = {name: value for name, value in letter.headers.items() if not name.startswith("x-")}
    return aio_pika.Message(
        letter.body,
        headers={**carried, "tries": 0, **headers},
        content_type=letter.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=letter.message_id,
        type=letter.type,
        timestamp=letter.timestamp,
        app_id=letter.app_id,
        correlation_id=letter.correlation_id,
    )
