"""Rows beside what their events make of them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import BindParameter, Select, and_, bindparam, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import Event
from shared.outbox import BusinessEvent, PersonKey
from shared.sealing import Tampered, whole

from ..domain.history import CHANGES, LIVES, Life, Row, State, apply, differences

BATCH = 500


class NotAsTold(NamedTuple):
    """Something in which a row and its events differ."""

    aggregate: str
    id: int
    what: str

    def __str__(self) -> str:
        return f"{self.aggregate} {self.id}: {self.what}"


class Unreadable(Exception):
    """An event that says nothing, and why."""


async def all_not_as_told(session: AsyncSession) -> AsyncIterator[NotAsTold]:
    """Of every booking, quote and series; one statement per batch, so that rows and events are of one moment."""
    for aggregate, life in LIVES.items():
        after, batch = 0, _batch(aggregate, life.row)
        while rows := (await session.execute(batch, {"after": after})).all():
            for of, told in groupby(rows, key=lambda row: int(row[0])):
                for what in _compared(life, list(told)):
                    yield NotAsTold(aggregate, of, what)
            after = rows[-1][0]


def _batch(aggregate: str, row: type[Row]) -> Select[Any]:
    """Id, row, event and key, an event each: of the next rows, and of those that are gone while their events stay."""
    after: BindParameter[int] = bindparam("after")
    rows = select(row.id).where(row.id > after).order_by(row.id).limit(BATCH)
    of = BusinessEvent.aggregate_id
    told = select(of).distinct().where(BusinessEvent.aggregate_type == aggregate, of > after).order_by(of).limit(BATCH)
    both = union(select(rows.subquery().c.id), select(told.subquery().c.aggregate_id)).subquery()
    ids = select(both.c.id).order_by(both.c.id).limit(BATCH).subquery()
    return (
        select(ids.c.id, row, BusinessEvent, PersonKey.key)
        .join_from(ids, row, row.id == ids.c.id, isouter=True)
        .join(BusinessEvent, and_(BusinessEvent.aggregate_type == aggregate, of == ids.c.id), isouter=True)
        .join(PersonKey, PersonKey.person == BusinessEvent.person, isouter=True)
        .order_by(ids.c.id, BusinessEvent.aggregate_version)
        .execution_options(populate_existing=True)
    )


def _compared(life: Life, told: Sequence[Any]) -> Iterator[str]:
    """All that is wrong with one of them, in words; what is personal is not shown."""
    row = told[0][1]
    if row is None:
        yield "has events and no row"
        return
    state: State = {}
    for _, _, stored, key in told:
        try:
            state = apply(state, _read(stored, key)) if stored else state
        except Unreadable as wrong:
            yield f"event {stored.event_id} {wrong}"
    versions = {stored.aggregate_version for _, _, stored, _ in told if stored}
    yield from (f"version {version} has no event" for version in range(1, row.version + 1) if version not in versions)
    for name, (now, by_events) in differences(life, row, state).items():
        shown = "" if name in life.personal else f": {now}, by its events {by_events}"
        yield f"{name} is not what its events say{shown}"


def _read(stored: BusinessEvent, key: bytes | None) -> Event:
    kind = {kind.type: kind for kind in CHANGES}.get(stored.type)
    if kind is None or kind.aggregate != stored.aggregate_type:
        raise Unreadable(f"is none that it can have: {stored.type}")
    try:
        event = kind.model_validate(whole(stored.payload, stored.sealed, key, stored.event_id, stored.type))
    except (Tampered, ValidationError):
        raise Unreadable("is not as it was written") from None
    if (event.aggregate_id, event.version) != (stored.aggregate_id, stored.aggregate_version):
        raise Unreadable("is about something else")
    return event
