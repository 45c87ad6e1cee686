"""Moves events from the outbox to the broker. Only a confirmed message leaves the outbox.

One relay of a service is active, however many replicas run: the holder of an advisory lock. It dies with its
connection, and the next one takes over within `TAKEOVER` seconds. It is woken by NOTIFY and looks by itself every
`POLL` seconds. An event that no queue takes stays (docs/decisions/0004): analytics binds to everything, so "unroutable"
means that the topology is not there yet, never that nobody cares.
"""

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import asyncpg
import structlog

from shared import telemetry
from shared.broker import EVENTS, FAILURES, Publisher, Unroutable, message
from shared.events import Envelope
from shared.outbox import CHANNEL

log = structlog.get_logger()

BATCH = 200
POLL = 2.0  # seconds
TAKEOVER = 1.0  # seconds
PAUSE = 1.0  # seconds after a failure
LEADER = "select pg_try_advisory_lock(hashtext('mdh.relay'))"
WAITING = """
    select o.id, b.event_id, b.type, b.payload, b.created_at, b.correlation_id, b.causation_id, b.actor,
           b.aggregate_type, b.aggregate_id, b.aggregate_version, b.trace
      from outbox o join business_events b on b.id = o.business_event_id
     order by o.id limit $1"""
CONFIRMED = "delete from outbox where id = any($1::bigint[])"


class Relay:
    def __init__(self, service: str, database_url: str, amqp_url: str) -> None:
        self._service = service
        self._dsn = database_url.replace("postgresql+asyncpg://", "postgresql://")
        self._publisher = Publisher(amqp_url, f"{service} relay")
        self._woken = asyncio.Event()
        self.leading = False

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self._with_connection()
                except (asyncpg.PostgresError, asyncpg.InterfaceError, *FAILURES) as error:
                    log.warning("relay.interrupted", service=self._service, error=repr(error))
                self.leading = False
                await asyncio.sleep(PAUSE)
        finally:
            await self._publisher.close()

    async def _with_connection(self) -> None:
        settings = {"application_name": f"{self._service} relay", "tcp_keepalives_idle": "5"}
        connection = await asyncpg.connect(self._dsn, server_settings=settings, timeout=5, command_timeout=10)
        try:
            while not await connection.fetchval(LEADER):
                await asyncio.sleep(TAKEOVER)
            self.leading = True
            log.info("relay.leading", service=self._service)
            await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
            while True:
                await self._drain(connection)
                await self._wait()
        finally:
            await connection.close(timeout=2)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _drain(self, connection: Any) -> None:
        """Publish until the outbox is empty."""
        while True:
            self._woken.clear()
            rows = await connection.fetch(WAITING, BATCH)
            if rows:
                sent = await self._publish_all(rows)
                await connection.execute(CONFIRMED, sent)
                if len(sent) < len(rows):
                    await asyncio.sleep(PAUSE)
            if len(rows) < BATCH:
                return

    async def _publish_all(self, rows: list[Any]) -> list[int]:
        """Confirms in flight together, yet in order per aggregate: its next event goes when the one before is safe."""
        sent: list[int] = []
        stuck: set[tuple[str, int]] = set()
        for wave in _waves(rows):
            wave = [row for row in wave if _aggregate(row) not in stuck]
            results = await asyncio.gather(*(self._publish(row) for row in wave))
            sent += [row["id"] for row, safe in zip(wave, results, strict=True) if safe]
            stuck |= {_aggregate(row) for row, safe in zip(wave, results, strict=True) if not safe}
        return sent

    async def _publish(self, row: Any) -> bool:
        try:
            await self._publisher.publish(EVENTS, row["type"], _message(self._service, row))
        except Unroutable:
            telemetry.UNROUTABLE.labels(self._service, row["type"]).inc()
            log.error("relay.unroutable", service=self._service, type=row["type"], event_id=str(row["event_id"]))
            return False
        except FAILURES as error:
            log.warning("relay.unconfirmed", service=self._service, event_id=str(row["event_id"]), error=repr(error))
            return False
        telemetry.PUBLISHED.labels(row["type"]).inc()
        return True


def _aggregate(row: Any) -> tuple[str, int]:
    return row["aggregate_type"], row["aggregate_id"]


def _waves(rows: list[Any]) -> Iterator[list[Any]]:
    """The first waiting event of each aggregate, then the second of each, and so on."""
    queues: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for row in rows:
        queues[_aggregate(row)].append(row)
    for wave in itertools.zip_longest(*queues.values()):
        yield [row for row in wave if row is not None]


def _message(service: str, row: Any) -> Any:
    envelope = Envelope(
        event_id=row["event_id"],
        type=row["type"],
        producer=service,
        occurred_at=row["created_at"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        actor=row["actor"],
        aggregate_type=row["aggregate_type"],
        aggregate_id=row["aggregate_id"],
        aggregate_version=row["aggregate_version"],
    )
    return message(row["payload"].encode(), envelope, json.loads(row["trace"]))
