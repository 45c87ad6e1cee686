"""Looks, every few seconds, at what waits: in the outbox, among the tasks, in the service's queues."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import text

from shared import broker, telemetry
from shared.db import Database

log = structlog.get_logger()

EVERY = 15.0  # seconds: as often as numbers are usually fetched
OUTBOX = text("select count(*), coalesce(extract(epoch from now() - min(created_at)), 0) from outbox")
TASKS = text("select count(*) filter (where due_at <= now() and not failed), count(*) filter (where failed) from tasks")


async def keep_watching(service: str, database: Database, amqp_url: str, queues: list[str]) -> None:
    """Runs until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_again_and_again(lambda: _look_at_tables(service, database)))
        group.create_task(_again_and_again(lambda: _look_at_queues(service, amqp_url, queues)))


async def _again_and_again(look: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            with broker.only_cancelled_by_us():
                await look()
        except Exception as error:
            log.debug("watch.interrupted", error=repr(error))
        await asyncio.sleep(EVERY)


async def _look_at_tables(service: str, database: Database) -> None:
    async with database.read() as session:
        size, age = (await session.execute(OUTBOX)).one()
        waiting, failed = (await session.execute(TASKS)).one()
    telemetry.OUTBOX_SIZE.labels(service).set(size)
    telemetry.OUTBOX_AGE.labels(service).set(float(age))
    telemetry.TASKS_WAITING.labels(service, "due").set(waiting)
    telemetry.TASKS_WAITING.labels(service, "failed").set(failed)


async def _look_at_queues(service: str, amqp_url: str, queues: list[str]) -> None:
    connection = await broker.connect(amqp_url, f"{service} watch")
    try:
        channel = await connection.channel()
        while True:
            for name in queues:
                found = (await channel.declare_queue(name, passive=True)).declaration_result
                telemetry.QUEUE_MESSAGES.labels(name).set(found.message_count or 0)
                telemetry.QUEUE_CONSUMERS.labels(name).set(found.consumer_count or 0)
            await asyncio.sleep(EVERY)
    finally:
        await broker.disconnect(connection)
