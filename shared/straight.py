"""Statements of the hottest paths, sent straight to the driver.

SQLAlchemy spends more CPU on sending a statement of one row than asyncpg and PostgreSQL together. What it would find
out anew each time (text, order and types of the parameters) is found out once here. Connection, transaction and errors
are the session's own, and whoever listens to what is sent hears of these statements, too.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ClauseElement

DRIVER = dialect.import_dbapi()  # type: ignore[no-untyped-call]
DIALECT = dialect(dbapi=DRIVER)  # type: ignore[no-untyped-call]


class Straight:
    """A statement whose parameters are all named, and none of which is a list that is spelled out (`in_`).

    Rows are as the driver gives them, by position and name; an enum is a word in them.
    """

    def __init__(self, statement: ClauseElement) -> None:
        compiled: Any = statement.compile(dialect=DIALECT)
        self.sql = str(compiled)
        self._fixed = compiled.construct_params(_check=False)
        types = {name: compiled.binds[name].type.dialect_impl(DIALECT) for name in compiled.positiontup}
        self._given = [(name, kind.bind_processor(DIALECT)) for name, kind in types.items()]

    async def rows(self, session: AsyncSession, **values: Any) -> list[Any]:
        return await session.run_sync(self.rows_now, values)

    def rows_now(self, session: Session, values: Mapping[str, Any]) -> list[Any]:
        """Where SQLAlchemy is at work itself, as in a flush."""
        connection = session.connection()
        cursor, sent = connection.connection.cursor(), self._sent(values)
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, cursor, self.sql, sent, None, False)
        try:
            cursor.execute(self.sql, sent)
        except DRIVER.Error as error:
            if isinstance(error, DRIVER.InvalidCachedStatementError):
                connection.invalidate(error)  # what it prepared is for tables as they were
            raise DBAPIError.instance(
                self.sql, None, error, DRIVER.Error, hide_parameters=True, dialect=DIALECT
            ) from error
        return cursor.fetchall()  # type: ignore[return-value]

    def _sent(self, values: Mapping[str, Any]) -> list[Any]:
        named = self._fixed | values
        return [convert(named[name]) if convert else named[name] for name, convert in self._given]
