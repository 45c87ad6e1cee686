"""What a tester has set, kept in the store so that it outlives a crash like everything else."""

import json
from typing import Any

from .store import Store


class Controls:
    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, name: str, default: Any) -> Any:
        row = self.store.row("select body from controls where name = :name", {"name": name})
        return default if row is None else json.loads(row["body"])

    def write(self, name: str, value: Any) -> None:
        self.store.change(
            "insert into controls (name, body) values (:name, :body) on conflict (name) do update set body = :body",
            {"name": name, "body": json.dumps(value)},
        )
