"""Databases for tests: templates built by the services' own migrations, clones of them, one transaction per test."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

import asyncpg
from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from shared import provision
from shared.db import Database, RowsAndMore
from shared.migrations import migrate
from shared.sealing import RING, KeyRing

PASSWORDS: provision.Passwords = {"owner": "owner", "app": "app", "amqp": "amqp"}
_numbers = itertools.count(1)


class Templates:
    """The databases of one test run; each service's is made once, by its migrations, as its owner."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self._made: set[str] = set()

    async def ready(self, service: str) -> None:
        if service not in self._made:
            await provision.create_databases(self.admin_url, {service: PASSWORDS})
            # In a thread: Alembic's environment runs an event loop of its own.
            await asyncio.to_thread(migrate, service, provision.owner_url(self.admin_url, service, PASSWORDS["owner"]))
            self._made.add(service)

    def url(self, service: str, database: str | None = None) -> str:
        """As the service's application role."""
        url = make_url(self.admin_url).set(drivername="postgresql+asyncpg", username=service, password=PASSWORDS["app"])
        return url.set(database=database or f"mdh_{service}").render_as_string(hide_password=False)

    @asynccontextmanager
    async def clone(self, service: str) -> AsyncIterator[str]:
        """A database of its own, for races and locks; 0.1 s each: to copy files costs half of what the log does."""
        await self.ready(service)
        name = f"test_{service}_{next(_numbers)}"
        await self._execute(
            f'create database "{name}" template "mdh_{service}" owner "{service}_owner" strategy file_copy',
            f'revoke all on database "{name}" from public',
            f'grant connect on database "{name}" to "{service}"',
        )
        try:
            yield self.url(service, name)
        finally:
            await self._execute(f'drop database "{name}" with (force)')

    async def execute_as_owner(self, service: str, database: Database, sql: str) -> None:
        owner = {"user": f"{service}_owner", "password": PASSWORDS["owner"]}
        await self._execute(sql, **owner, database=make_url(database.url).database)

    async def _execute(self, *statements: str, **other: str | None) -> None:
        connection = await asyncpg.connect(self.admin_url, **other)
        try:
            for sql in statements:
                await connection.execute(sql)
        finally:
            await connection.close()


class OneTransaction(Database):
    """A `Database` whose every session joins one outer transaction, which is rolled back at the test's end."""

    def __init__(self, url: str, connection: AsyncConnection) -> None:
        self.url, self.pool_size = url, 1
        self.engine = connection.engine
        self.key_ring = KeyRing()
        self._writes = self._reads = async_sessionmaker(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info={RING: self.key_ring},
            sync_session_class=RowsAndMore,
        )

    def alone(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A savepoint that nobody releases would be rolled back."""
        return self.begin()

    async def close(self) -> None:
        """The outer transaction is the test's to end."""


@asynccontextmanager
async def one_transaction(database: Database) -> AsyncIterator[OneTransaction]:
    async with database.engine.connect() as connection:
        outer = await connection.begin()
        try:
            yield OneTransaction(database.url, connection)
        finally:
            await outer.rollback()


@contextmanager
def counted_statements(database: Database) -> Iterator[list[str]]:
    """Collects the SQL statements that are sent, savepoints of the test's own transaction left out."""
    sent: list[str] = []

    def note(_c: Connection, _u: DBAPICursor, statement: str, _p: object, _x: ExecutionContext, _m: bool) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")):
            sent.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
