"""Runs a service's consumers against RabbitMQ, and comes back whenever the broker does."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from shared import broker, telemetry
from shared.broker import DEAD, EVENTS, FAILURES, Publisher, Unroutable, retry_exchange
from shared.consumers import Consumer, Heard, delay_after
from shared.context import caused_by
from shared.db import Database, away
from shared.errors import Refusal
from shared.events import Envelope, Event
from shared.stopping import GRACE

T = TypeVar("T")

log = structlog.get_logger()

RECONNECT = 1.0  # seconds
TOGETHER = 5  # times as many messages are fetched for what takes many


class Worker:
    """All consumers of one process. `run()` returns only when cancelled, after messages in work were finished."""

    def __init__(
        self, service: str, consumers: list[Consumer], database: Database, amqp_url: str, *, prefetch: int
    ) -> None:
        self._service, self._consumers, self._database = service, consumers, database
        self._amqp_url, self._prefetch = amqp_url, prefetch
        self._publisher = Publisher(amqp_url, f"{service} retries")
        self._in_work: set[asyncio.Task[None]] = set()
        # Half of the connections: a burst waits here, where it costs nothing, and not in the pool, where waiting fails.
        self._turns = asyncio.Semaphore(max(database.pool_size // 2, 1))
        self._asking = asyncio.Lock()
        self.connected = False

    async def run(self) -> None:
        try:
            while True:
                try:
                    with broker.only_cancelled_by_us():
                        await self._until_disconnected()
                except Exception as error:
                    log.warning("broker.away", service=self._service, error=repr(error))
                self.connected = False
                await asyncio.sleep(RECONNECT)
        finally:
            await self._publisher.close()

    async def _until_disconnected(self) -> None:
        connection = await broker.connect(self._amqp_url, f"{self._service} consumers")
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        try:
            started = [await self._start(connection, consumer, lost) for consumer in self._consumers]
            self.connected = True
            log.info("consumers.started", service=self._service, queues=len(started))
            try:
                await lost.wait()
            except asyncio.CancelledError:
                await self._drain(started)
                raise
        finally:
            await broker.disconnect(connection)

    async def _start(
        self, connection: AbstractConnection, consumer: Consumer, lost: asyncio.Event
    ) -> tuple[AbstractQueue, str]:
        channel: AbstractChannel = await connection.channel()
        channel.close_callbacks.add(lambda *_: lost.set())  # also when the broker closes just this channel
        underlying = await channel.get_underlay_channel()  # or takes the queue away and leaves the channel open
        underlying.on_consumer_cancel_callbacks.add(lambda *_: lost.set())
        await channel.set_qos(prefetch_count=self._prefetch * (TOGETHER if consumer.many else 1))
        queue = await channel.declare_queue(consumer.queue, durable=True, arguments={"x-queue-type": "quorum"})
        for key in consumer.bindings:
            await queue.bind(EVENTS, key)
        return queue, await queue.consume(self._receiver(consumer, lost))

    def _receiver(
        self, consumer: Consumer, lost: asyncio.Event
    ) -> Callable[[AbstractIncomingMessage], Coroutine[None, None, None]]:
        """What aio-pika runs as a task of its own for each message. Some are worked on while the next gather."""
        gathered: list[AbstractIncomingMessage] = []
        turn = asyncio.Lock()

        async def receive(incoming: AbstractIncomingMessage) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._in_work.add(task)
            gathered.append(incoming)
            try:
                async with turn:
                    batch = gathered.copy()
                    gathered.clear()
                    await self._settle_all(consumer, batch, lost)
            finally:
                self._in_work.discard(task)

        return receive

    async def _drain(self, started: list[tuple[AbstractQueue, str]]) -> None:
        for queue, consumer_tag in started:
            with contextlib.suppress(*FAILURES):
                await queue.cancel(consumer_tag)
        if self._in_work:
            await asyncio.wait(self._in_work, timeout=GRACE)

    async def _settle_all(self, consumer: Consumer, batch: list[AbstractIncomingMessage], lost: asyncio.Event) -> None:
        """Together, if nothing is wrong with any of them; else each as if there were no other."""
        began = time.perf_counter()
        if len(batch) > 1 and not lost.is_set() and (heard := consumer.read_all(batch)):
            useful = [(envelope, event) for envelope, event in heard if consumer.use(event)]
            try:
                if useful:
                    await self._act(consumer, lambda session: consumer.consume(session, *useful))
                await batch[-1].ack(multiple=True)  # of this channel all before it are settled, or it would be lost
            except Exception as error:
                log.warning("messages.one_by_one", queue=consumer.queue, messages=len(batch), error=repr(error))
            else:
                _note(consumer, heard, time.perf_counter() - began)
                return
        for incoming in batch:
            await self._settle(consumer, incoming, lost)

    async def _settle(self, consumer: Consumer, incoming: AbstractIncomingMessage, lost: asyncio.Event) -> None:
        """Acknowledge once the message's effect, next try or burial is safely stored; else let it come again."""
        try:
            await self._work(consumer, incoming)
            await incoming.ack()
        except Exception as error:
            # Neither effect nor next try could be stored: give the message back, which a new connection does.
            log.warning("message.unsettled", queue=consumer.queue, exc_info=error)
            lost.set()

    async def _work(self, consumer: Consumer, incoming: AbstractIncomingMessage) -> None:
        began = time.perf_counter()
        try:
            envelope, event = consumer.read(incoming)
        except ValidationError as error:
            await self._bury(consumer, incoming, None, f"not readable: {error.error_count()} errors in {error.title}")
            return
        with caused_by(consumer.cause_of(envelope)):
            if event is None:  # while a newer version is rolled out, its replicas will take it
                outcome = await self._retry(consumer, incoming, envelope, f"not known here: {envelope.type}")
            elif not consumer.use(event):
                outcome = "of no use"
            else:
                outcome = await self._once(consumer, incoming, envelope, event)
        telemetry.HANDLED.labels(consumer.queue, event.type if event else "unknown", outcome).inc()
        telemetry.HANDLING.labels(consumer.queue).observe(time.perf_counter() - began)

    async def _once(
        self, consumer: Consumer, incoming: AbstractIncomingMessage, envelope: Envelope, event: Event
    ) -> str:
        facts = {"queue": consumer.queue, "type": envelope.type, "event_id": str(envelope.event_id)}
        try:
            acted = await self._act(consumer, lambda session: consumer.consume(session, (envelope, event)))
        except Refusal as refusal:
            if "Retry-After" in refusal.headers:
                return await self._retry(consumer, incoming, envelope, refusal.code)
            log.warning("message.refused", **facts, refusal=refusal.code)
            await self._bury(consumer, incoming, envelope, f"{refusal.code}: {refusal.detail} {refusal.facts or ''}")
            return "refused"
        except Exception as error:
            log.warning("message.failed", **facts, tries=envelope.tries + 1, exc_info=error)
            return await self._retry(consumer, incoming, envelope, repr(error))
        log.info("message.handled" if acted else "message.duplicate", **facts)
        return "done" if acted else "duplicate"

    async def _act(self, consumer: Consumer, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """In one transaction. A database that is away is waited for: that is no try of this message."""
        while True:
            try:
                async with self._turns, self._database.begin() as session:
                    return await act(session)
            except Exception as error:
                if not away(error) or await self._database.answers():
                    raise
                log.warning("message.waits_for_database", queue=consumer.queue, error=repr(error))
                await self._until_database_answers()

    async def _until_database_answers(self) -> None:
        async with self._asking:
            while not await self._database.answers():
                await asyncio.sleep(RECONNECT)

    async def _retry(
        self, consumer: Consumer, incoming: AbstractIncomingMessage, envelope: Envelope, error: str
    ) -> str:
        delay = delay_after(envelope.tries + 1)
        if delay is None:
            await self._bury(consumer, incoming, envelope, error)
            return "dead"
        await self._send(incoming, retry_exchange(delay), consumer.queue, _again(incoming, envelope, consumer, error))
        return "retry"

    async def _bury(
        self, consumer: Consumer, incoming: AbstractIncomingMessage, envelope: Envelope | None, error: str
    ) -> None:
        telemetry.DEAD.labels(consumer.queue).inc()
        await self._send(incoming, DEAD, f"{self._service}.dead", _again(incoming, envelope, consumer, error))

    async def _send(
        self, incoming: AbstractIncomingMessage, exchange: str, key: str, message: aio_pika.Message
    ) -> None:
        """Until the broker has it. To give the message back instead would count towards its delivery limit."""
        while True:
            try:
                await self._publisher.publish(exchange, key, message)
                return
            except (Unroutable, *FAILURES) as error:
                log.warning("message.held", exchange=exchange, queue=key, error=repr(error))
                if incoming.channel.is_closed:
                    raise
                await asyncio.sleep(RECONNECT)


def _note(consumer: Consumer, heard: list[Heard], seconds: float) -> None:
    ids = [str(envelope.event_id) for envelope, _ in heard]
    log.info("messages.handled", queue=consumer.queue, event_ids=ids)
    for _, event in heard:
        telemetry.HANDLED.labels(consumer.queue, event.type, "done" if consumer.use(event) else "of no use").inc()
        telemetry.HANDLING.labels(consumer.queue).observe(seconds / len(heard))


def _again(
    incoming: AbstractIncomingMessage, envelope: Envelope | None, consumer: Consumer, error: str
) -> aio_pika.Message:
    tries = (envelope.tries if envelope else 0) + 1
    said = error[:2000].encode("utf-8", "replace").decode()
    return broker.anew(incoming, tries=tries, queue=consumer.queue, error=said)
