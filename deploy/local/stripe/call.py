"""One call of the API while it runs: what it may read, change and announce."""

from dataclasses import dataclass
from typing import Any

from .deliveries import Deliveries
from .document import Document
from .form import Tree
from .ids import new_id
from .ledger import Ledger
from .refusal import NoSuch
from .settings import API_VERSION
from .store import Store


@dataclass
class Call:
    """`by_customer` is a call with the publishable key: it sees less and must show the intent's client secret."""

    store: Store
    deliveries: Deliveries
    now: int
    public_url: str
    tree: Tree
    request_id: str | None = None
    key: str | None = None
    by_customer: bool = False

    def load(self, kind: str, identifier: str, param: str = "id") -> Document:
        found = self.store.find(identifier, kind)
        if found is None:
            raise NoSuch(kind if kind != "payment_method" else "PaymentMethod", identifier, param)
        return found

    def announce(self, name: str, document: Document, before: Document | None = None) -> None:
        """Record an event and plan its delivery; `before` is the same resource before the change, if it changed."""
        data: Document = {"object": document}
        if before is not None:
            data["previous_attributes"] = {key: old for key, old in before.items() if document.get(key) != old}
        event = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": 1 if self.deliveries.url else 0,
            "request": {"id": self.request_id, "idempotency_key": self.key},
            "type": name,
        }
        if document["object"] == "account":
            event["account"] = document["id"]  # what happens at a connected account says so
        self.store.save(event)
        self.deliveries.plan(event)

    def record(self, kind: str, charge: Document, amount: int, **known: Any) -> None:
        """Write a movement of money to the ledger, with the request that caused it."""
        Ledger(self.store).record(
            kind, charge, amount, created=self.now, request_id=self.request_id, idempotency_key=self.key, **known
        )
