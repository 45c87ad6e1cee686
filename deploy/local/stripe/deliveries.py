"""Webhooks that are to be delivered: planned with the event in one transaction, kept until they are answered 2xx."""

import secrets
import time
from collections.abc import Collection
from sqlite3 import Row
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .controls import Controls
from .document import Document
from .store import Store

BACKOFF_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60)
GIVE_UP_AFTER_SECONDS = 3 * 24 * 3600


class Mode(BaseModel):
    """How events leave: at once and once, unless a tester asks for worse."""

    model_config = ConfigDict(extra="forbid")

    delay: float = Field(default=0, ge=0, description="seconds each delivery waits")
    jitter: float = Field(default=0, ge=0, description="up to this many seconds more, at random: events overtake")
    copies: int = Field(default=1, ge=1, le=100, description="how often each event is delivered")
    hold: bool = Field(default=False, description="deliver nothing until released")


class Deliveries:
    def __init__(self, store: Store, controls: Controls, url: str) -> None:
        self.store = store
        self.controls = controls
        self.url = url

    @property
    def mode(self) -> Mode:
        return Mode.model_validate(self.controls.read("webhooks", {}))

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self.controls.write("webhooks", mode.model_dump())

    def plan(self, event: Document) -> None:
        """Part of the transaction that made the event: both are there or neither."""
        if not self.url:
            return
        mode = self.mode
        for _ in range(mode.copies):
            wait = mode.delay + mode.jitter * secrets.randbelow(1000) / 1000
            self._add(event, state="held" if mode.hold else "pending", due=time.time() + wait)

    def resend(self, event: Document, *, skew: int = 0, tampered: bool = False) -> None:
        """Send an event again: as it was, signed for another moment, or changed after signing."""
        self._add(event, due=time.time(), skew=skew, tampered=int(tampered))

    def _add(self, event: Document, **more: Any) -> None:
        values = {"state": "pending", "skew": 0, "tampered": 0, "created": time.time(), **more}
        values |= {"event": event["id"], "type": event["type"]}
        self.store.change(
            "insert into deliveries (event, type, state, due, skew, tampered, created) "
            "values (:event, :type, :state, :due, :skew, :tampered, :created)",
            values,
        )

    def due(self, limit: int) -> list[Row]:
        """Those whose time has come, each with the event to send."""
        statement = (
            "select deliveries.*, objects.body from deliveries join objects on objects.id = deliveries.event "
            "where deliveries.state = 'pending' and due <= :now order by due, deliveries.id limit :limit"
        )
        return self.store.rows(statement, {"now": time.time(), "limit": limit})

    def next_due(self, besides: Collection[int]) -> float | None:
        """When the first delivery is due that is not one of those, if any waits."""
        statement = "select id, due from deliveries where state = 'pending' order by due, id limit :limit"
        rows = self.store.rows(statement, {"limit": len(besides) + 1})
        return next((row["due"] for row in rows if row["id"] not in besides), None)

    def release(self, order: str, gap: float) -> int:
        """Let held deliveries go, one every `gap` seconds, in their order or the reverse of it."""
        direction = "desc" if order == "reverse" else "asc"
        held = self.store.rows(f"select id from deliveries where state = 'held' order by id {direction}")  # noqa: S608
        for position, row in enumerate(held):
            due = time.time() + position * gap
            self.store.change(
                "update deliveries set state = 'pending', due = :due where id = :id", {"due": due, "id": row["id"]}
            )
        return len(held)

    def hurry(self) -> int:
        """Forget the back-off of what failed: after a restart, or when the receiver is known to be back."""
        return self.store.change(
            "update deliveries set due = :now where state = 'pending' and attempts > 0", {"now": time.time()}
        )

    def answered(self, delivery: Row, status: int | None, error: str | None) -> None:
        """Write down an attempt: delivered, to be tried again, or given up."""
        attempts = delivery["attempts"] + 1
        wait = BACKOFF_SECONDS[min(attempts, len(BACKOFF_SECONDS)) - 1]
        done = status is not None and 200 <= status < 300
        over = time.time() - delivery["created"] > GIVE_UP_AFTER_SECONDS or delivery["tampered"] or delivery["skew"]
        self.store.change(
            "update deliveries set state = :state, attempts = :attempts, due = :due, last_status = :status, "
            "last_error = :error, delivered = :delivered where id = :id",
            {
                "id": delivery["id"],
                "state": "delivered" if done else "abandoned" if over else "pending",
                "attempts": attempts,
                "due": time.time() + wait,
                "status": status,
                "error": error,
                "delivered": time.time() if done else None,
            },
        )

    def waiting_for(self, event_id: str) -> int:
        row = self.store.row(
            "select count(*) as n from deliveries where event = :event and state in ('pending', 'held')",
            {"event": event_id},
        )
        return row["n"] if row else 0

    def listed(self, event: str | None, state: str | None, limit: int) -> list[Row]:
        return self.store.rows(
            "select id, event, type, state, attempts, due, last_status, last_error, created, delivered "
            "from deliveries where (:event is null or event = :event) and (:state is null or state = :state) "
            "order by id desc limit :limit",
            {"event": event, "state": state, "limit": limit},
        )
