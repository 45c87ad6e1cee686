"""Moves events from the outbox to the broker. Only a confirmed message leaves the outbox.

One relay of a service is active, however many replicas run: the holder of an advisory lock. It dies with its
connection, and the next one takes over within `TAKEOVER` seconds. It is woken by NOTIFY and looks by itself every
`POLL` seconds. An event that no queue takes stays (docs/decisions/0004): analytics binds to everything, so "unroutable"
means that the topology is not there yet, never that nobody cares.
"""

import asyncio
import itertools
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import asyncpg
import structlog

from shared import telemetry
from shared.broker import EVENTS, FAILURES, Publisher, Unroutable, message
from shared.db import dsn
from shared.events import Envelope
from shared.outbox import CHANNEL
from shared.sealing import whole
from shared.stopping import finish

log = structlog.get_logger()

BATCH = 200
POLL = 2.0  # seconds
TAKEOVER = 1.0  # seconds
PAUSE = 1.0  # seconds after a failure
PASSED_OVER = 5.0  # seconds until what no queue took is tried again
# The server lets go of a leader whose machine is gone; else its lock would outlive it by the hour.
SESSION = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
LEADER = "select pg_try_advisory_lock(hashtext('mdh.relay'))"
WAITING = """
    select o.id, b.event_id, b.type, b.payload, b.created_at, b.correlation_id, b.causation_id, b.actor,
           b.aggregate_type, b.aggregate_id, b.aggregate_version, b.trace, b.sealed, k.key
      from outbox o join business_events b on b.id = o.business_event_id left join person_keys k on k.person = b.person
     where o.id <> all($2::bigint[]) order by o.id limit $1"""
CONFIRMED = "delete from outbox where id = any($1::bigint[])"


class Relay:
    def __init__(self, service: str, database_url: str, amqp_url: str) -> None:
        self._service = service
        self._dsn = dsn(database_url)
        self._publisher = Publisher(amqp_url, f"{service} relay")
        self._woken = asyncio.Event()
        self._passed: set[int] = set()
        self._stuck: set[tuple[str, int]] = set()
        self._try_again_at = 0.0
        self.leading = False

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self._with_connection()
                except Exception as error:
                    log.warning("relay.interrupted", service=self._service, error=repr(error))
                self.leading = False
                await asyncio.sleep(PAUSE)
        finally:
            await self._publisher.close()

    async def _with_connection(self) -> None:
        settings = SESSION | {"application_name": f"{self._service} relay"}
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
        """Publish until the outbox is empty, but for what no queue takes: that is passed over and holds up no other."""
        if time.monotonic() > self._try_again_at:
            self._passed.clear()
            self._stuck.clear()
            self._try_again_at = time.monotonic() + PASSED_OVER
        while True:
            self._woken.clear()
            rows = await connection.fetch(WAITING, BATCH, list(self._passed))
            if rows and not await finish(self._move(connection, rows)):
                await asyncio.sleep(PAUSE)
            if len(rows) < BATCH:
                return

    async def _move(self, connection: Any, rows: list[Any]) -> bool:
        """Publish these, take what is confirmed out of the outbox; says whether the broker was there."""
        sent, unsent = await self._publish_all(rows)
        await connection.execute(CONFIRMED, sent)
        self._passed |= {row["id"] for row in rows if _aggregate(row) in self._stuck}
        return not unsent

    async def _publish_all(self, rows: list[Any]) -> tuple[list[int], set[tuple[str, int]]]:
        """Confirms in flight together, yet in order per aggregate: its next event goes when the one before is safe."""
        sent: list[int] = []
        unsent: set[tuple[str, int]] = set()
        unroutable: Counter[str] = Counter()
        for wave in _waves(rows):
            wave = [row for row in wave if _aggregate(row) not in unsent | self._stuck]
            for row, error in zip(wave, await asyncio.gather(*map(self._publish, wave)), strict=True):
                if error is None:
                    sent.append(row["id"])
                elif isinstance(error, FAILURES):
                    unsent.add(_aggregate(row))
                else:
                    self._stuck.add(_aggregate(row))
                    unroutable[row["type"]] += 1
        for type, number in unroutable.items():
            telemetry.UNROUTABLE.labels(self._service, type).inc(number)
            log.error("relay.unroutable", service=self._service, type=type, events=number)
        return sent, unsent

    async def _publish(self, row: Any) -> Exception | None:
        """None when the broker has it safely. Whatever is wrong with one event is no reason to keep the others back."""
        try:
            await self._publisher.publish(EVENTS, row["type"], _message(self._service, row))
        except Unroutable as error:
            return error
        except Exception as error:
            log.warning("relay.unconfirmed", service=self._service, event_id=str(row["event_id"]), error=repr(error))
            return error
        telemetry.PUBLISHED.labels(row["type"]).inc()
        return None


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
    return message(_body(row), envelope, json.loads(row["trace"]))


def _body(row: Any) -> bytes:
    """As it was told, what is personal opened again; or erased, if the key is gone."""
    if row["sealed"] is None:
        return row["payload"].encode()  # type: ignore[no-any-return]
    payload = json.loads(row["payload"])
    return json.dumps(whole(payload, row["sealed"], row["key"], row["event_id"], row["type"])).encode()
