"""PostgreSQL: one transaction per request, message, job and task. Nobody else calls commit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    Identity,
    MetaData,
    TypeDecorator,
    event,
    func,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, InterfaceError, NotSupportedError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Mapped, MappedAsDataclass, SessionTransaction, declared_attr, mapped_column, registry
from sqlalchemy.orm import Session as OrmSession

from shared.clock import now
from shared.errors import Overloaded, PreconditionFailed, Refusal
from shared.sealing import RING, KeyRing

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "idx_%(table_name)s_%(column_0_name)s",
}
LOCK_TIMEOUT = "2s"
STATEMENT_TIMEOUT = "10s"
COMMAND_TIMEOUT = 15.0  # seconds; for a server that cannot even say that a statement took too long
MOST_WAITING = 20  # requests per connection that may wait for one

WITH_FLUSH = "with_flush"  # in `Session.info`: rows, by the function that writes them
# Shut down, crashed, starting, idle too long, no connection left, disk or memory full, statement took too long.
AWAY = {"57P01", "57P02", "57P03", "57P05", "25P03", "53000", "53100", "53200", "53300", "53400", "57014"}


def words(enum: type[StrEnum]) -> Enum:
    """Store an enum as its values in VARCHAR; the migration adds the CHECK (SQLAlchemy would store member names)."""
    return Enum(
        enum, native_enum=False, create_constraint=False, length=50, values_callable=lambda e: [m.value for m in e]
    )


class _Kept(TypeDecorator[Any]):
    impl, cache_ok = JSONB, True

    def __init__(self, kind: Any) -> None:
        super().__init__(none_as_null=True)
        self.kind, self._adapter = kind, TypeAdapter(kind)

    def process_bind_param(self, value: Any, _dialect: Dialect) -> Any:
        return None if value is None else self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        return None if value is None else self._adapter.validate_python(value)


def kept(kind: Any) -> TypeDecorator[Any]:
    """JSONB that comes back as what it was, a model or a list of them: for what is read and written whole."""
    return _Kept(kind)


def new_registry() -> registry:
    """One per service, for its `class Base(MappedAsDataclass, DeclarativeBase)`: type map and names of constraints."""
    types: dict[Any, Any] = {
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: JSONB,
    }
    return registry(metadata=MetaData(naming_convention=NAMING), type_annotation_map=types)


class Timestamped(MappedAsDataclass, kw_only=True):
    """`created_at` and `updated_at`, set by the application's clock so that no round trip is needed to know them."""

    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        init=False, default_factory=now, server_default=func.now(), onupdate=now
    )


class Keyed(MappedAsDataclass, kw_only=True):
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, init=False, default=None)


class Versioned(MappedAsDataclass, kw_only=True):
    """Optimistic lock: a write whose row was changed meanwhile is refused (`ChangedMeanwhile`).

    Rules count: each business verb ends with `self.version += 1`, and each event carries the version that it made.
    """

    version: Mapped[int] = mapped_column(init=False, default=1)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version, "version_id_generator": False}

    def expect(self, version: int | None) -> None:
        """Refuse with `PreconditionFailed` unless this is the version that If-Match named; None is any."""
        if version is not None and version != self.version:
            raise PreconditionFailed(version=self.version)


class Aggregate(Keyed, Versioned, Timestamped, kw_only=True):
    """A row with an identity, a version and a life: what events are about."""


def dsn(url: str) -> str:
    """SQLAlchemy's URL as asyncpg itself reads it."""
    made = make_url(url).set(drivername="postgresql")
    query = {"sslmode" if name == "ssl" else name: value for name, value in made.query.items()}
    return made.set(query=query).render_as_string(hide_password=False)


def _must_be_open(connection: Any, *_: Any) -> None:
    """asyncpg has noticed when the server closed a connection: the pool then makes a new one, without a round trip."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


class RowsAndMore(OrmSession):
    """One whose `flush` also writes what has a statement of its own, after all else: the unit of work would take longer
    for it than PostgreSQL does."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        super().flush(objects)
        for write, rows in self.info.pop(WITH_FLUSH, {}).items():
            write(self, rows)


def write_with_flush(session: AsyncSession, write: Callable[[OrmSession, list[Any]], None], row: Any) -> None:
    """Have `write(session, rows)` called with this and what else is for it, in the caller's transaction."""
    session.info.setdefault(WITH_FLUSH, {}).setdefault(write, []).append(row)


@event.listens_for(RowsAndMore, "before_commit")
def _flush_what_is_to_be_written(session: OrmSession) -> None:
    """A session in which nothing else is new would not."""
    while session.info.get(WITH_FLUSH):
        session.flush()


@event.listens_for(RowsAndMore, "after_soft_rollback")
def _forget(session: OrmSession, _: SessionTransaction) -> None:
    """What was to be written in a savepoint goes with it; what was before it was written when it began."""
    session.info.pop(WITH_FLUSH, None)


class Database:
    """One service's database, as its application role."""

    _requests = 0

    def __init__(self, url: str, *, pool_size: int = 10, application_name: str = "mdh") -> None:
        timeouts = {
            "application_name": application_name,
            "lock_timeout": LOCK_TIMEOUT,
            "statement_timeout": STATEMENT_TIMEOUT,
            "idle_in_transaction_session_timeout": "30s",
            "timezone": "UTC",
        }
        self.url, self.pool_size = url, pool_size
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            hide_parameters=True,  # errors are logged: what people have told us does not belong there
            connect_args={"server_settings": timeouts, "timeout": 5, "command_timeout": COMMAND_TIMEOUT},
        )
        event.listen(self.engine.sync_engine, "checkout", _must_be_open)
        self.key_ring = KeyRing()
        known = {RING: self.key_ring}
        self._writes = async_sessionmaker(
            self.engine, expire_on_commit=False, info=known, sync_session_class=RowsAndMore
        )
        # Reads take no BEGIN, no ROLLBACK: two round trips less (docs/decisions/0006).
        self._reads = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        async with self._writes() as session, session.begin():
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with self._reads() as session:
            yield session

    def alone(self) -> AbstractAsyncContextManager[AsyncSession]:
        """For a change that is one statement, which is a transaction by itself."""
        return self.read()

    @contextmanager
    def queued(self) -> Iterator[None]:
        """A place among the requests that have a connection or wait for one; `Overloaded` at once if all are taken."""
        if self._requests >= self.pool_size * (1 + MOST_WAITING):
            raise Overloaded
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    async def answers(self) -> bool:
        try:
            async with asyncio.timeout(2), self.read() as session:
                await session.execute(text("select 1"))
        except Exception:
            return False
        return True

    async def close(self) -> None:
        await self.engine.dispose()


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    with database.queued():
        async with database.begin() as session:
            yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    with database.queued():
        async with database.read() as session:
            yield session


# scope="function": the commit happens before the answer is sent, so that a failed commit is never a 201.
Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_reading, scope="function")]


def sqlstate(error: BaseException) -> str:
    """Empty if it is no error of the database."""
    return getattr(error.orig, "sqlstate", None) or "" if isinstance(error, DBAPIError) else ""


def away(error: BaseException) -> bool:
    """The database cannot be asked right now, or its tables were changed under a prepared statement (asyncpg's
    InvalidCachedStatementError, once per process): nothing is wrong with what was asked, and asking again will do."""
    state = sqlstate(error)
    other = PoolTimeout | InterfaceError | NotSupportedError | OSError | TimeoutError
    return state in AWAY or state.startswith("08") or isinstance(error, other)


def constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that PostgreSQL says was broken."""
    return getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)


@contextmanager
def enforced_by(name: str, refusal: type[Refusal], **facts: Any) -> Iterator[None]:
    """The database keeps the promise, the code gives it its name: a breach of constraint `name` is `refusal`."""
    try:
        yield
    except IntegrityError as error:
        if constraint(error) == name:
            raise refusal(**facts) from error
        raise
