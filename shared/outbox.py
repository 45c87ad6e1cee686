"""Facts travel with the data that made them true: `record(session, event)`.

One row goes into `business_events`, the append-only audit trail and event store. A trigger of that table puts its id
into `outbox` and wakes the relay (docs/decisions/0004): in the trail and on its way is one statement, and nobody can
write one without the other. What is personal in it is sealed when it is written (docs/decisions/0018).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from opentelemetry import propagate
from sqlalchemy import UniqueConstraint, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column

from shared.clock import now
from shared.context import cause
from shared.db import Keyed, new_registry, write_with_flush
from shared.events import Event
from shared.ids import new_id
from shared.sealing import keys_of, seal

CHANNEL = "outbox"


class PlatformBase(MappedAsDataclass, DeclarativeBase):
    """The platform's own tables, the same in every service's database."""

    registry = new_registry()


class BusinessEvent(Keyed, PlatformBase, kw_only=True):
    """One business fact. The service's role may INSERT and SELECT here, nothing else.

    `payload` has what is not personal, `sealed` the rest; `person` is whose key opens it.
    """

    __tablename__ = "business_events"
    __table_args__ = (UniqueConstraint("aggregate_type", "aggregate_id", "aggregate_version"),)

    event_id: Mapped[UUID]
    type: Mapped[str]
    aggregate_type: Mapped[str]
    aggregate_id: Mapped[int]
    aggregate_version: Mapped[int]
    payload: Mapped[dict[str, Any]]
    person: Mapped[str | None] = mapped_column(default=None)
    sealed: Mapped[bytes | None] = mapped_column(default=None, repr=False)
    actor: Mapped[str]
    correlation_id: Mapped[str]
    causation_id: Mapped[str | None]
    trace: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


class PersonKey(PlatformBase, kw_only=True):
    """What opens one person's sealed fields. Made and read by `shared.sealing`, deleted by an erasure."""

    __tablename__ = "person_keys"

    person: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(repr=False)


class ErasedPerson(PlatformBase, kw_only=True):
    """Somebody who was erased here: nothing that comes later makes them a key or brings them back."""

    __tablename__ = "erased_people"

    person: Mapped[str] = mapped_column(primary_key=True)


WRITE = insert(BusinessEvent.__table__).inline()  # type: ignore[arg-type] # built once: it is sent at each change
# What else is written with an event, in its transaction.
along_with: list[Callable[[Session, Event], None]] = []


def record(session: AsyncSession, event: Event) -> None:
    """Write down a fact in the caller's transaction; it is published if, and only if, that commits.

    Each aggregate version may be told once: a second event of the same version fails the transaction.
    """
    because = cause()
    trace: dict[str, Any] = {}
    propagate.inject(trace)
    row = {
        "event_id": new_id(),
        "type": event.type,
        "aggregate_type": event.aggregate,
        "aggregate_id": event.aggregate_id,
        "aggregate_version": event.version,
        "actor": because.actor,
        "correlation_id": because.correlation_id,
        "causation_id": because.causation_id,
        "trace": trace,
        "created_at": now(),
    }
    write_with_flush(session, _write_down, (event, row))


def _write_down(session: Session, told: list[tuple[Event, dict[str, Any]]]) -> None:
    """After the rows that it is about; here a person's key can be asked for, in `record` it cannot."""
    keys = keys_of(session, {event.whose for event, _ in told if event.says_who})
    session.execute(WRITE, [row | _body(event, row["event_id"], keys) for event, row in told])
    for event, _ in told:
        for write in along_with:
            write(session, event)


def _body(event: Event, event_id: UUID, keys: dict[str, bytes | None]) -> dict[str, Any]:
    payload = event.model_dump(mode="json")
    personal = {name: payload.pop(name) for name in event.personal if payload[name]}
    if not personal:
        return {"payload": payload, "person": None, "sealed": None}
    if key := keys[event.whose]:
        return {"payload": payload, "person": event.whose, "sealed": seal(key, event_id, event.type, personal)}
    return {"payload": payload | event.erased(), "person": None, "sealed": None}
