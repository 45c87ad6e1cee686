"""The state of the sandbox: one SQLite file, changed in one transaction per call."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from .document import Document
from .refusal import Refusal

INDEXED = (
    "status",
    "type",
    "payment_intent",
    "charge",
    "customer",
    "source",
    "email",
    "destination",
    "transfer_group",
    "transfer",
)

SCHEMA_VERSION = 5

SAVE = f"""
insert into objects (id, object, created, body, {", ".join(INDEXED)})
values (:id, :object, :created, :body, {", ".join(f":{column}" for column in INDEXED)})
on conflict (id) do update set body = excluded.body, {", ".join(f"{c} = excluded.{c}" for c in INDEXED)}
"""  # noqa: S608 - only our own column names


class Store:
    """A committed transaction survives `kill -9`: the write-ahead log is in the kernel's hands by then."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = normal")
        self._prepare(path)

    def _prepare(self, path: Path) -> None:
        """A new file gets our tables; one with the tables of another version is not touched."""
        version = self.connection.execute("pragma user_version").fetchone()[0]
        is_new = not self.connection.execute("select 1 from sqlite_master").fetchone()
        if not is_new and version != SCHEMA_VERSION:
            self.connection.close()
            raise SystemExit(f"{path} was made by another version of the sandbox: remove it to start afresh.")
        self.connection.executescript(files(__package__).joinpath("schema.sql").read_text())
        self.connection.execute(f"pragma user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may stand inside another one, and then ends with it."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of a transaction that a refusal takes back, unless it is one that keeps its effects."""
        self.connection.execute("savepoint attempt")
        try:
            yield
        except BaseException as error:
            if not (isinstance(error, Refusal) and error.keeps_effects):
                self.connection.execute("rollback to attempt")
            self.connection.execute("release attempt")
            raise
        self.connection.execute("release attempt")

    def rows(self, statement: str, values: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        return self.connection.execute(statement, values or {}).fetchall()

    def row(self, statement: str, values: Mapping[str, Any] | None = None) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.connection.execute(statement, values or {}).fetchone()
        return found

    def change(self, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """Run a statement that changes rows, and say how many it changed."""
        return self.connection.execute(statement, values or {}).rowcount

    def save(self, document: Document) -> None:
        """Store a resource, new or changed."""
        columns = {name: _plain(document.get(name)) for name in INDEXED}
        facts = {name: document[name] for name in ("id", "object", "created")}
        self.change(SAVE, {**facts, **columns, "body": json.dumps(document)})

    def find(self, identifier: str, kind: str | None = None) -> Document | None:
        row = self.row("select object, body from objects where id = :id", {"id": identifier})
        if row is None or kind not in (None, row["object"]):
            return None
        return self.read(row)

    def all_of(self, kind: str, **equal: str) -> list[Document]:
        """Every resource of a kind whose indexed columns have these values, oldest first."""
        conditions = "".join(f" and {column} = :{column}" for column in equal if column in INDEXED)
        statement = f"select body from objects where object = :kind{conditions} order by seq"  # noqa: S608
        return [self.read(row) for row in self.rows(statement, {"kind": kind, **equal})]

    def newest(self, kind: str, limit: int) -> list[Document]:
        statement = "select body from objects where object = :kind order by seq desc limit :limit"
        return [self.read(row) for row in self.rows(statement, {"kind": kind, "limit": limit})]

    @staticmethod
    def read(row: sqlite3.Row) -> Document:
        document: Document = json.loads(row["body"])
        return document


def _plain(value: object) -> str | None:
    return value if isinstance(value, str) else None
