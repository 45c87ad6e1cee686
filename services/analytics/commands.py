"""Every change of analytics: count a fact, count all anew, forget."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Heard
from shared.events import Envelope, Event

from . import queries
from .domain import AnalyticsEvent, BusinessMetric, day_of, deltas, impersonal, user_of

log = structlog.get_logger()

BATCH = 5_000  # rows per statement
BATCHES = 100  # of a run of the retention job: half a million events an hour

# Everybody locks numbers in the same order: by name, day, dimensions.
ADD = """
insert into business_metrics as known (metric_name, metric_date, dimensions, metric_value, recorded_at)
select metric, day, dimensions, sum(value), max(at)
  from jsonb_to_recordset(cast(:deltas as jsonb))
       as delta (event_id uuid, metric text, day date, dimensions jsonb, value numeric, at timestamptz)
 {where}
 group by metric, day, dimensions
 order by metric, day, dimensions
on conflict on constraint uq_business_metrics_day do update
   set metric_value = known.metric_value + excluded.metric_value,
       recorded_at = greatest(known.recorded_at, excluded.recorded_at),
       updated_at = now()"""
STORE = """
with news as (
    insert into analytics_events (event_id, event_name, user_id, session_id, properties, occurred_at)
    select * from jsonb_to_recordset(cast(:facts as jsonb))
        as fact (event_id uuid, event_name text, user_id bigint, session_id text, properties jsonb,
                 occurred_at timestamptz)
    on conflict (event_id) do nothing returning event_id
)"""
# One round trip, on top of the inbox. What is stored already is not counted again, inbox or no inbox.
STORE_AND_ADD = text(STORE + ADD.format(where="where event_id in (select event_id from news)"))
ADD_ALL = text(ADD.format(where=""))
LOCK = text("lock table business_metrics in share row exclusive mode")


async def count_facts(session: AsyncSession, facts: Sequence[Heard]) -> None:
    """Store events without what is personal in them, and add what they count for to their days."""
    stored = [_stored(envelope, event) for envelope, event in facts]
    counted = [
        delta | {"event_id": fact["event_id"]}
        for fact, (envelope, event) in zip(stored, facts, strict=True)
        for delta in _deltas(event.type, fact["properties"], envelope.occurred_at)
    ]
    await session.execute(STORE_AND_ADD, {"facts": json.dumps(stored), "deltas": json.dumps(counted)})


def _stored(envelope: Envelope, event: Event) -> dict[str, Any]:
    properties = impersonal(event.model_dump(mode="json", exclude=set(event.personal)))
    return {
        "event_id": str(envelope.event_id),
        "event_name": event.type,
        "user_id": user_of(properties, envelope.actor),
        "session_id": envelope.correlation_id[:255],
        "properties": properties,
        "occurred_at": envelope.occurred_at.isoformat(),
    }


def _deltas(event_name: str, properties: dict[str, Any], at: datetime) -> list[dict[str, Any]]:
    when = {"day": day_of(at).isoformat(), "at": at.isoformat()}
    return [
        {"metric": delta.metric, "value": delta.value, "dimensions": delta.dimensions} | when
        for delta in deltas(event_name, properties)
    ]


async def rebuild_metrics(session: AsyncSession, *, kept_since: datetime) -> tuple[date | None, int]:
    """Count the numbers anew from the events that are kept; says from which day on, and from how many events.

    Days before that stand as they are: their events are gone. Consumers wait (and try again) until this is done; what
    they have stored but not yet counted is not seen here, and counted by them.
    """
    await session.execute(LOCK)
    since = await queries.first_whole_day(session, kept_since)
    if since is None:
        return None, 0
    await session.execute(delete(BusinessMetric).where(BusinessMetric.metric_date >= since.date()))
    counted = 0
    async for events in queries.countable_events(session, since, batch=BATCH):
        await session.execute(ADD_ALL, {"deltas": json.dumps(_deltas_of(events))})
        counted += len(events)
    return since.date(), counted


def _deltas_of(events: Iterable[Any]) -> list[dict[str, Any]]:
    return [delta for e in events for delta in _deltas(e.event_name, e.properties, e.occurred_at)]


async def forget_events(session: AsyncSession, *, before: datetime, batch: int = BATCH, batches: int = BATCHES) -> int:
    """Delete the oldest events from before then, so many at most; says how many. The next run goes on."""
    oldest = select(AnalyticsEvent.id).where(AnalyticsEvent.occurred_at < before).order_by(AnalyticsEvent.occurred_at)
    statement = delete(AnalyticsEvent).where(AnalyticsEvent.id.in_(oldest.limit(batch))).returning(AnalyticsEvent.id)
    forgotten = 0
    for _ in range(batches):
        gone = len((await session.execute(statement)).all())
        forgotten += gone
        if gone < batch:
            break
    log.info("analytics.events_forgotten", before=before.isoformat(), events=forgotten)
    return forgotten
