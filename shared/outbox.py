"""Facts travel with the data that made them true: `record(session, event)`.

One row goes into `business_events`, the append-only audit trail and event store. A trigger of that table puts its id
into `outbox` and wakes the relay (docs/decisions/0004): in the trail and on its way is one statement, and nobody can
write one without the other.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from opentelemetry import propagate
from sqlalchemy import UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from shared.clock import now
from shared.context import cause
from shared.db import Keyed, new_registry
from shared.events import Event
from shared.ids import new_id

CHANNEL = "outbox"


class PlatformBase(MappedAsDataclass, DeclarativeBase):
    """The platform's own tables, the same in every service's database."""

    registry = new_registry()


class BusinessEvent(Keyed, PlatformBase, kw_only=True):
    """One business fact. The service's role may INSERT and SELECT here, nothing else."""

    __tablename__ = "business_events"
    __table_args__ = (UniqueConstraint("aggregate_type", "aggregate_id", "aggregate_version"),)

    event_id: Mapped[UUID]
    type: Mapped[str]
    aggregate_type: Mapped[str]
    aggregate_id: Mapped[int]
    aggregate_version: Mapped[int]
    payload: Mapped[dict[str, Any]]
    actor: Mapped[str]
    correlation_id: Mapped[str]
    causation_id: Mapped[str | None]
    trace: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


def record(session: AsyncSession, event: Event) -> None:
    """Write down a fact in the caller's transaction; it is published if, and only if, that commits.

    Each aggregate version may be told once: a second event of the same version fails the transaction.
    """
    because = cause()
    trace: dict[str, Any] = {}
    propagate.inject(trace)
    session.add(
        BusinessEvent(
            event_id=new_id(),
            type=event.type,
            aggregate_type=event.aggregate,
            aggregate_id=event.aggregate_id,
            aggregate_version=event.version,
            payload=event.model_dump(mode="json"),
            actor=because.actor,
            correlation_id=because.correlation_id,
            causation_id=because.causation_id,
            trace=trace,
        )
    )
