"""Facts travel with the data that made them true: `record(session, event)`.

One row goes into `business_events`, the append-only audit trail and event store. A trigger of that table puts its id
into `outbox` and wakes the relay (docs/decisions/0004): in the trail and on its way is one statement, and nobody can
write one without the other. What is personal in it is sealed when it is written (docs/decisions/0018).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from opentelemetry import propagate
from sqlalchemy import UniqueConstraint
from sqlalchemy import event as listening
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column

from shared.clock import now
from shared.context import cause
from shared.db import Keyed, new_registry
from shared.events import CONTRACTS, Event
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
    to_seal: tuple[str, dict[str, Any]] | None = None


class PersonKey(PlatformBase, kw_only=True):
    """What opens one person's sealed fields. Made and read by `shared.sealing`, deleted by an erasure."""

    __tablename__ = "person_keys"

    person: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(repr=False)


class ErasedPerson(PlatformBase, kw_only=True):
    """Somebody who was erased here: nothing that comes later makes them a key or brings them back."""

    __tablename__ = "erased_people"

    person: Mapped[str] = mapped_column(primary_key=True)


def record(session: AsyncSession, event: Event) -> None:
    """Write down a fact in the caller's transaction; it is published if, and only if, that commits.

    Each aggregate version may be told once: a second event of the same version fails the transaction.
    """
    because = cause()
    trace: dict[str, Any] = {}
    propagate.inject(trace)
    payload = event.model_dump(mode="json")
    personal = {name: payload.pop(name) for name in event.personal if payload[name]}
    session.add(
        BusinessEvent(
            event_id=new_id(),
            type=event.type,
            aggregate_type=event.aggregate,
            aggregate_id=event.aggregate_id,
            aggregate_version=event.version,
            payload=payload,
            to_seal=(event.whose, personal) if personal else None,
            actor=because.actor,
            correlation_id=because.correlation_id,
            causation_id=because.causation_id,
            trace=trace,
        )
    )


@listening.listens_for(Session, "before_flush")
def _seal_new(session: Session, *_: Any) -> None:
    """The last moment at which nothing is in the database yet; here a key can be asked for, in `record` it cannot."""
    new = [row for row in session.new if isinstance(row, BusinessEvent) and row.to_seal]
    keys = keys_of(session, {row.to_seal[0] for row in new if row.to_seal}) if new else {}
    for row in new:
        assert row.to_seal
        person, personal = row.to_seal
        if key := keys[person]:
            row.person, row.sealed = person, seal(key, row.event_id, row.type, personal)
        else:
            row.payload = row.payload | CONTRACTS[row.type].erased()
        row.to_seal = None
