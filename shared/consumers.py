"""A fact is acted upon once: `consumers.on(Event)` turns a plain function into a consumer with a queue of its own.

The inbox row and the effect are one transaction; the acknowledgement follows the commit. What gathers while others are
worked on has one transaction together (docs/decisions/0046); if that fails, each has its own. A refusal of the domain
is final and goes to `<service>.dead`, unless it names a Retry-After. Anything else, and a type that this version does
not know, is tried again after 5 s, 30 s, 5 min and then every 30 min, and is dead after `MAX_TRIES`. A database that is
away is waited for, which is no try.
"""

import functools
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from aio_pika.abc import AbstractIncomingMessage
from opentelemetry import trace
from pydantic import ValidationError
from sqlalchemy import Table, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.broker import DELAYS, envelope_of, trace_of
from shared.clock import now
from shared.context import Cause, caused_by, upon
from shared.contracts.catalog import ConfigChanged
from shared.contracts.identity import EndsTokens, ending_tokens
from shared.events import CONTRACTS, Envelope, Event
from shared.outbox import PlatformBase
from shared.platform_config import PlatformConfig, copied
from shared.revocation import end_tokens

tracer = trace.get_tracer("mdh")

MAX_TRIES = 10

Handler = Callable[..., Awaitable[None]]
Heard = tuple[Envelope, Event]


class Inbox(PlatformBase, kw_only=True):
    """What was consumed; kept 45 days, longer than any message can come again."""

    __tablename__ = "inbox"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


FIRST_TIMES = text(
    "insert into inbox (consumer, event_id) select :consumer, id from unnest(cast(:event_ids as uuid[])) id order by id"
    " on conflict do nothing returning event_id"
)


@dataclass(frozen=True)
class Consumer:
    """One function and its queue. `events` empty means: every event there is. With `many` the function takes several
    at once, and none has a cause. Of what it has no `use` for, nothing is written down."""

    service: str
    handle: Handler
    events: tuple[type[Event], ...]
    many: bool = False
    use: Callable[[Any], bool] = lambda _: True

    @property
    def queue(self) -> str:
        return f"{self.service}.{self.handle.__name__}"

    @property
    def bindings(self) -> list[str]:
        return [event.type for event in self.events] or ["#"]

    def contract(self, type: str) -> type[Event] | None:
        """What a message of this type is read as; None if this version of the service does not listen to it."""
        return next(
            (event for event in self.events if event.type == type), None if self.events else CONTRACTS.get(type)
        )

    def read(self, incoming: AbstractIncomingMessage) -> tuple[Envelope, Event | None]:
        """Without an event if this version of the service does not know its type."""
        envelope = envelope_of(incoming)
        contract = self.contract(envelope.type)
        return envelope, contract.model_validate_json(incoming.body) if contract else None

    def read_all(self, batch: Sequence[AbstractIncomingMessage]) -> list[Heard]:
        """None of them if one cannot be read, or is of no type that is known here."""
        try:
            read = [self.read(incoming) for incoming in batch]
        except ValidationError:
            return []
        known = [(envelope, event) for envelope, event in read if event is not None]
        return known if len(known) == len(batch) else []

    def cause_of(self, envelope: Envelope) -> Cause:
        """What follows from hearing this."""
        return Cause(envelope.correlation_id, str(envelope.event_id), upon(self.service, envelope.actor))

    async def consume(self, session: AsyncSession, *heard: Heard) -> int:
        """In the caller's transaction: the effects of what this consumer did not have before. Says how many acted."""
        new = await self._new_among(session, heard)
        if self.many and new:
            await self.handle([event for _, event in new] if self.events else new, session)
        elif new:
            await self._handle_in_turn(session, new)
        return len(new)

    async def _new_among(self, session: AsyncSession, heard: Sequence[Heard]) -> list[Heard]:
        told = {envelope.event_id: (envelope, event) for envelope, event in heard}
        asked = {"consumer": self.queue, "event_ids": list(told)}
        first = {id for (id,) in await session.execute(FIRST_TIMES, asked)}
        return [one for id, one in told.items() if id in first]

    async def _handle_in_turn(self, session: AsyncSession, new: Sequence[Heard]) -> None:
        """Each finds the session as empty as if it had one of its own: what is read is read anew."""
        for envelope, event in new:
            span = tracer.start_as_current_span(f"consume {self.queue}", context=trace_of(envelope))
            with caused_by(self.cause_of(envelope)), span:
                await self.handle(event, session)
                await session.flush()
            session.expunge_all()


@dataclass
class Consumers:
    """The consumers of one service: `consumers = Consumers("booking")`. Every service has `cut_off_tokens` and
    `copy_config`."""

    service: str
    all: list[Consumer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.on(*ending_tokens())(cut_off_tokens)
        self.on(ConfigChanged)(copy_config)

    def on(self, *events: type[Event], use: Callable[[Any], bool] = lambda _: True) -> Callable[[Handler], Handler]:
        """Call `function(event, session)` for each of these events, each once; not for one that it has no `use` for."""
        return self._register(events, many=False, use=use)

    def on_many(self, *events: type[Event]) -> Callable[[Handler], Handler]:
        """Call `function(events, session)` with as many of these events as there are, each once. Only for what keeps
        copies: nothing that it told would have a cause. If it fails, it is called with each by itself."""
        return self._register(events, many=True)

    def on_everything(self, handle: Handler) -> Handler:
        """The same with `function([(envelope, event), ...], session)`, for every event of every service."""
        return self._register((), many=True)(handle)

    def _register(self, events: tuple[type[Event], ...], **how: Any) -> Callable[[Handler], Handler]:
        def register(handle: Handler) -> Handler:
            self.all.append(Consumer(self.service, handle, events, **how))
            return handle

        return register


async def cut_off_tokens(event: EndsTokens, session: AsyncSession) -> None:
    """Late, early and repeated it does the same: the latest moment stands."""
    await end_tokens(session, event.ended, event.tokens_end_at)


async def copy_config(event: ConfigChanged, session: AsyncSession) -> None:
    """The newest version stays."""
    await keep_newest(session, PlatformConfig, copied(event))


def delay_after(tries: int) -> int | None:
    """Seconds to wait after the n-th failed try (from 1); None when it is given up."""
    return None if tries >= MAX_TRIES else DELAYS[min(tries, len(DELAYS)) - 1]


async def keep_newest(
    session: AsyncSession, model: type[DeclarativeBase], values: dict[str, Any], *, version: str = "version"
) -> bool:
    """The version guard of projections: insert the row, or overwrite one that is older; says whether it was news.

    `values` has the primary key and the producer's version. Late and repeated facts change nothing.
    """
    statement = _newest(model, tuple(values), version)
    return (await session.execute(statement, values)).first() is not None


async def keep_newest_of(
    session: AsyncSession, model: type[DeclarativeBase], rows: Collection[dict[str, Any]], *, key: str
) -> None:
    """The same for many, of each `key` the newest among them."""
    newest = {row[key]: row for row in sorted(rows, key=lambda row: row["version"])}
    for names in {tuple(row) for row in newest.values()}:
        alike = [newest[id] for id in sorted(newest) if tuple(newest[id]) == names]
        await session.execute(_newest(model, names, "version"), alike)


@functools.cache
def _newest(model: type[DeclarativeBase], names: tuple[str, ...], version: str) -> Any:
    table = model.__table__
    assert isinstance(table, Table)
    keys = [column.name for column in table.primary_key]
    row = insert(table)
    news: dict[str, Any] = {name: row.excluded[name] for name in names if name not in keys}
    if "updated_at" in table.c:
        news["updated_at"] = func.now()
    newer = table.c[version] < row.excluded[version]
    return row.on_conflict_do_update(index_elements=keys, set_=news, where=newer).returning(table.c[version])
