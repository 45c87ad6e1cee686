"""A fact is acted upon once: `consumers.on(Event)` turns a plain function into a consumer with a queue of its own.

The inbox row and the effect are one transaction; the acknowledgement follows the commit. A refusal of the domain is
final and goes to `<service>.dead`, unless it names a Retry-After. Anything else, and a type that this version does not
know, is tried again after 5 s, 30 s, 5 min and then every 30 min, and is dead after `MAX_TRIES`. A database that is
away is waited for, which is no try.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.broker import DELAYS
from shared.clock import now
from shared.contracts.catalog import ConfigChanged
from shared.contracts.identity import EndsTokens, ending_tokens
from shared.events import CONTRACTS, Envelope, Event
from shared.outbox import PlatformBase
from shared.platform_config import PlatformConfig, copied
from shared.revocation import end_tokens

MAX_TRIES = 10

Handler = Callable[..., Awaitable[None]]


class Inbox(PlatformBase, kw_only=True):
    """What was consumed; kept 45 days, longer than any message can come again."""

    __tablename__ = "inbox"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


# Built once: building it for each message would cost more than sending it.
FIRST_TIME = insert(Inbox.__table__).on_conflict_do_nothing().returning(Inbox.event_id)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Consumer:
    """One function and its queue. `events` empty means: every event there is."""

    service: str
    handle: Handler
    events: tuple[type[Event], ...]
    with_envelope: bool = False

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

    async def consume(self, session: AsyncSession, envelope: Envelope, event: Event) -> bool:
        """In the caller's transaction: the effect, unless this consumer had the event before. Says whether it acted."""
        if not await self._is_first_time(session, envelope.event_id):
            return False
        if self.with_envelope:
            await self.handle(event, envelope, session)
        else:
            await self.handle(event, session)
        return True

    async def _is_first_time(self, session: AsyncSession, event_id: UUID) -> bool:
        row = {"consumer": self.queue, "event_id": event_id}
        return (await session.execute(FIRST_TIME, row)).first() is not None


@dataclass
class Consumers:
    """The consumers of one service: `consumers = Consumers("booking")`. Every service has `cut_off_tokens` and
    `copy_config`."""

    service: str
    all: list[Consumer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.on(*ending_tokens())(cut_off_tokens)
        self.on(ConfigChanged)(copy_config)

    def on(self, *events: type[Event]) -> Callable[[Handler], Handler]:
        """Call `function(event, session)` for each of these events, each once."""

        def register(handle: Handler) -> Handler:
            self.all.append(Consumer(self.service, handle, events))
            return handle

        return register

    def on_everything(self, handle: Handler) -> Handler:
        """Call `function(event, envelope, session)` for every event of every service, each once."""
        self.all.append(Consumer(self.service, handle, (), with_envelope=True))
        return handle


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
