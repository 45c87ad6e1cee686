"""Every movement of money, written apart from the resources that report it, for checkers to compare."""

from collections import defaultdict
from typing import Any

from .document import Document
from .store import Store


class Ledger:
    def __init__(self, store: Store) -> None:
        self.store = store

    def record(self, kind: str, charge: Document, amount: int, **known: Any) -> None:
        values = {"kind": kind, "amount": amount, "charge": charge["id"], "refund": None, **known}
        values |= {"payment_intent": charge["payment_intent"], "currency": charge["currency"]}
        self.store.change(
            "insert into movements"
            " (kind, payment_intent, charge, refund, amount, currency, created, request_id, idempotency_key) values"
            " (:kind, :payment_intent, :charge, :refund, :amount, :currency, :created, :request_id, :idempotency_key)",
            values,
        )

    def movements(self, intent: str | None) -> list[dict[str, Any]]:
        statement = "select * from movements where :intent is null or payment_intent = :intent order by seq"
        return [dict(row) for row in self.store.rows(statement, {"intent": intent})]

    def totals(self, intent: str | None) -> list[dict[str, Any]]:
        """Per payment intent: how often and how much was charged and refunded, and whose booking it says it is for."""
        per_intent: dict[str, dict[str, Any]] = {}
        for movement in self.movements(intent):
            total = per_intent.setdefault(movement["payment_intent"], self._empty(movement))
            total[f"{movement['kind']}s"] += 1
            if movement["kind"] in ("charge", "refund"):
                total["charged" if movement["kind"] == "charge" else "refunded"] += movement["amount"]
        return [{**total, "net": total["charged"] - total["refunded"]} for total in per_intent.values()]

    def _empty(self, movement: dict[str, Any]) -> dict[str, Any]:
        intent = self.store.find(movement["payment_intent"]) or {}
        counted = dict.fromkeys(("authorizations", "charges", "releases", "refunds", "charged", "refunded"), 0)
        named = {"payment_intent": movement["payment_intent"], "currency": movement["currency"]}
        return {**named, "metadata": intent.get("metadata", {}), "status": intent.get("status"), **counted}

    @staticmethod
    def sums(totals: list[dict[str, Any]]) -> dict[str, int]:
        """What is left of all of it, per currency."""
        sums: dict[str, int] = defaultdict(int)
        for total in totals:
            sums[total["currency"]] += total["net"]
        return dict(sums)
