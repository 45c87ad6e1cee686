"""The events that flowed, from each service's audit trail. Only the local system's own databases are read."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, or_, select

from shared.db import Database
from shared.outbox import BusinessEvent

from ..screen import say


@dataclass(frozen=True)
class Told:
    at: datetime
    type: str
    about: str
    actor: str


async def trail(databases: dict[str, str], affiliate_id: int, user_ids: list[int]) -> list[Told]:
    """Everything about this affiliate and these users, in order of time."""
    told = await asyncio.gather(*(_of_one(url, affiliate_id, user_ids) for url in databases.values()))
    return sorted((event for events in told for event in events), key=lambda event: event.at)


async def _of_one(url: str, affiliate_id: int, user_ids: list[int]) -> list[Told]:
    body = BusinessEvent.payload
    statement = select(BusinessEvent).where(
        or_(
            body["affiliate_id"].astext.cast(BigInteger) == affiliate_id,
            body["user_id"].astext.cast(BigInteger).in_(user_ids),
        )
    )
    database = Database(url, pool_size=1, application_name="demo")
    try:
        async with database.read() as session:
            found = (await session.scalars(statement)).all()
    finally:
        await database.close()
    return [
        Told(event.created_at, event.type, f"{event.aggregate_type} {event.aggregate_id} v{event.aggregate_version}",
             event.actor)
        for event in found
    ]  # fmt: skip


def show(told: list[Told]) -> None:
    say("\nEvents, as the audit trails have them")
    for event in told:
        since = (event.at - told[0].at).total_seconds()
        say(f"  {since:>8.3f} s  {event.type:<42} {event.about:<26} {event.actor}")
