"""PostgreSQL: one transaction per request, message, job and task. Nobody else calls commit."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import BigInteger, DateTime, Enum, Identity, MetaData, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Mapped, MappedAsDataclass, declared_attr, mapped_column, registry

from shared.clock import now
from shared.errors import PreconditionFailed, Refusal

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "idx_%(table_name)s_%(column_0_name)s",
}
LOCK_TIMEOUT = "2s"
STATEMENT_TIMEOUT = "10s"


def words(enum: type[StrEnum]) -> Enum:
    """Store an enum as its values in VARCHAR; the migration adds the CHECK (SQLAlchemy would store member names)."""
    return Enum(
        enum, native_enum=False, create_constraint=False, length=50, values_callable=lambda e: [m.value for m in e]
    )


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


class Database:
    """One service's database, as its application role."""

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
            connect_args={"server_settings": timeouts, "timeout": 5},
        )
        self._writes = async_sessionmaker(self.engine, expire_on_commit=False)
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

    async def close(self) -> None:
        await self.engine.dispose()


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.begin() as session:
        request.state.session = session
        yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.read() as session:
        yield session


# scope="function": the commit happens before the answer is sent, so that a failed commit is never a 201.
Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_reading, scope="function")]


def sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


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
