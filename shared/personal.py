"""What a service holds of a person: shown to them in an export, taken out in an erasure.

Each service has a `personal.py` that decides about every column of every table: shown, hidden, erased. Two consumers
follow from these decisions. A column about which nothing was decided fails the build (tests/contracts).

An erasure anonymises in place: rows that books and others' histories need stay, with what says who it was taken out.
Facts about the person that come after it bring nothing back: `erased_people` says that they are gone, and is asked by
whoever would write something down about them.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, String, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers
from shared.contracts.identity import ErasureRequested, ExportRequested
from shared.contracts.personal import DataErased, DataExported
from shared.events import Event
from shared.outbox import ErasedPerson, record

KINDS: dict[str, Any] = {"user_id": BigInteger, "customer_id": BigInteger, "person": String, "acted_for": String}
PART = 100_000  # characters of one event, at most, if no single row is longer

FORGET_WHO = text("insert into erased_people (person) select unnest(cast(:people as text[])) on conflict do nothing")
# Whoever is making a key at this moment ends first, and whoever comes next finds that the person is erased.
NO_NEW_KEYS = text("lock table person_keys in share row exclusive mode")
FORGET_KEYS = text("delete from person_keys where person = any(cast(:people as text[]))")


@dataclass(frozen=True)
class Held:
    """A table with rows about people. `whose` is the SQL condition for those of `:user_id`, `:customer_id`.

    Columns are named once: `shown` in an export and kept, `hidden` and kept (keys of ours, what others say), or
    `erased`, with what is put in their place; those are shown, too, unless they are also `hidden`. With `goes`, an
    erasure deletes the rows. `also` are rows of others that say something about the person: never shown, and deleted
    only if there is nothing to put in the place of what they say.
    """

    table: str
    whose: str
    shown: str = ""
    hidden: str = ""
    erased: Mapping[str, str] = field(default_factory=dict)
    goes: bool = False
    also: str | None = None

    @property
    def columns(self) -> list[str]:
        return [*self.shown.split(), *self.hidden.split(), *(set(self.erased) - set(self.hidden.split()))]

    @property
    def told(self) -> list[str]:
        hidden = self.hidden.split()
        return [*self.shown.split(), *(name for name in self.erased if name not in hidden)]

    @property
    def reading(self) -> str:
        columns = ", ".join(self.told)
        return f"select to_jsonb(t)::text from (select {columns} from {self.table} where {self.whose}) t"  # noqa: S608

    @property
    def erasing(self) -> list[str]:
        """None if what is in it says nothing any more once the ids are nobody's."""
        values = ", ".join(f"{column} = {value}" for column, value in self.erased.items())
        both = f"({self.whose})" + (f" or ({self.also})" if self.also else "")
        if not self.goes:
            return [f"update {self.table} set {values} where {both}"] if values else []  # noqa: S608
        if not values:
            return [f"delete from {self.table} where {both}"]  # noqa: S608
        mine = f"delete from {self.table} where {self.whose}"  # noqa: S608
        return [mine, f"update {self.table} set {values} where {self.also}"]  # noqa: S608


@dataclass(frozen=True)
class Nobodys:
    """A table that says nothing about people, at most ids that belong to nobody after an erasure; and why."""

    table: str
    hidden: str
    why: str

    @property
    def columns(self) -> list[str]:
        return self.hidden.split()


Table = Held | Nobodys


def stored_answers(about: str | None = None) -> Held:
    """The answers to whoever sent an Idempotency-Key: the person's own, and those to others that are about the person:
    `about` is the SQL condition for these, of the JSON `answer`."""
    return Held(
        "idempotency_keys",
        "owner = :person or starts_with(owner, :person || ' by ') or right(owner, length(:acted_for)) = :acted_for",
        hidden="owner key request_hash status headers body created_at",
        goes=True,
        also=about and f"(select {about} from (select {ANSWER} as answer) a)",  # noqa: S608
    )


ANSWER = "case when headers ->> 'content-type' = 'application/json' then convert_from(body, 'UTF8')::jsonb end"

OF_EVERY_SERVICE: tuple[Table, ...] = (
    stored_answers(),
    Nobodys(
        "business_events",
        "id event_id type aggregate_type aggregate_id aggregate_version payload actor correlation_id causation_id trace"
        " created_at person sealed",
        "what is personal is sealed, and goes with the key",
    ),
    Nobodys("person_keys", "person key created_at", "goes with the person"),
    Nobodys("erased_people", "person created_at", "that they were erased is all that stays"),
    Nobodys("outbox", "id business_event_id created_at", "points at the trail"),
    Nobodys("inbox", "consumer event_id created_at", "ids of events"),
    Nobodys("jobs", "name next_run_at", "the service's own"),
    Nobodys("job_runs", "id job outcome error started_at finished_at", "the service's own"),
    Nobodys(
        "tasks",
        "id name arguments due_at tries failed last_error correlation_id created_at causation_id actor",
        "arguments are ids",
    ),
    Nobodys("token_cutoffs", "subject ends_before created_at", "ids, kept for an hour"),
    Nobodys(
        "platform_config",
        "config_id version currency commission_bp hold_minutes lead_minutes horizon_days free_cancellation_hours"
        " late_cancellation_fee_bp commission_rates cancellation_policies deposit tips_allowed max_open_holds features"
        " payment_modes created_at updated_at",
        "a copy of catalog's",
    ),
    Nobodys("schema_migrations", "version_num", "the service's own"),
)

PutOff = Callable[[ErasureRequested, AsyncSession], Awaitable[Event | None]]


@dataclass(frozen=True)
class Personal:
    """One service's decisions, and what it answers. `must_wait` may find a reason not to erase yet, which is told
    then; `first` is done before the tables."""

    tables: Sequence[Table]
    exported: type[DataExported]
    erased: type[DataErased]
    must_wait: PutOff | None = None
    first: Callable[[ErasureRequested, AsyncSession], Awaitable[None]] | None = None

    def join(self, consumers: Consumers) -> None:
        consumers.on(ExportRequested)(self.export_personal_data)
        consumers.on(ErasureRequested)(self.erase_personal_data)

    @property
    def all(self) -> list[Table]:
        """With those of every service, about which one may decide otherwise."""
        mine = {table.table for table in self.tables}
        return [*self.tables, *(table for table in OF_EVERY_SERVICE if table.table not in mine)]

    @property
    def held(self) -> Iterator[Held]:
        return (table for table in self.all if isinstance(table, Held))

    async def export_personal_data(self, event: ExportRequested, session: AsyncSession) -> None:
        """Early (nothing is known of the person yet) and late it tells what there is at that moment."""
        parts = list(_parts([row async for row in self._rows(event, session)]))
        for number, data in enumerate(parts, 1):
            told = {"export_part_id": event.export_id, "user_id": event.user_id, "version": number}
            record(session, self.exported(**told, parts=len(parts), data=data))

    async def _rows(self, event: ExportRequested, session: AsyncSession) -> Any:
        for table in self.held:
            if table.told:
                for row in await session.scalars(*_about(event, table.reading)):
                    yield table.table, row

    async def erase_personal_data(self, event: ErasureRequested, session: AsyncSession) -> None:
        """Asked again it does it again, which finds nothing new. What was asked for first is not undone by what is
        older and comes later."""
        if self.must_wait and (reason := await self.must_wait(event, session)):
            record(session, reason)
            return
        people = _people(event)
        await session.execute(FORGET_WHO, {"people": people})
        if self.first:
            await self.first(event, session)
        counts = {table.table: await _erase(session, table, event) for table in self.held if table.erasing}
        await session.execute(NO_NEW_KEYS)
        await session.execute(FORGET_KEYS, {"people": people})
        told = {"erasure_receipt_id": event.erasure_id, "user_id": event.user_id, "customer_id": event.customer_id}
        record(session, self.erased(**told, version=event.version, counts=counts))


async def is_erased(session: AsyncSession, person: str) -> bool:
    return await session.get(ErasedPerson, person) is not None


def _people(event: ErasureRequested) -> list[str]:
    return [f"user:{event.user_id}"] + ([f"customer:{event.customer_id}"] if event.customer_id else [])


async def _erase(session: AsyncSession, table: Held, event: ErasureRequested) -> int:
    rows = 0
    for statement in table.erasing:
        result: Any = await session.execute(*_about(event, statement))
        rows += result.rowcount
    return rows


def _about(event: ExportRequested | ErasureRequested, sql: str) -> tuple[TextClause, dict[str, Any]]:
    """The statement with those values that it names."""
    user = f"user:{event.user_id}"
    values = {"user_id": event.user_id, "customer_id": event.customer_id, "person": user, "acted_for": f" as {user}"}
    named = {name: value for name, value in values.items() if f":{name}" in sql}
    return text(sql).bindparams(*(bindparam(name, type_=KINDS[name]) for name in named)), named


def _parts(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Rows by table, as JSON texts of a size that a message may have; at least one."""
    part: dict[str, list[Any]] = {}
    size = 0
    for table, row in rows:
        if size and size + len(row) > PART:
            yield json.dumps(part)
            part, size = {}, 0
        part.setdefault(table, []).append(json.loads(row))
        size += len(row)
    yield json.dumps(part)
