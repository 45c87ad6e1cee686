"""Every movement of money, written apart from the resources that report it, for checkers to compare."""

from collections import defaultdict
from typing import Any

from .document import Document
from .store import Store

COUNTED = ("authorizations", "charges", "releases", "refunds", "disputes", "dispute_reversals")
SUMS = ("charged", "refunded", "disputed")
COUNTS_AS = {
    "charge": ("charged", 1),
    "refund": ("refunded", 1),
    "dispute": ("disputed", 1),
    "dispute_reversal": ("disputed", -1),
}


def _net(total: dict[str, Any]) -> int:
    net: int = total["charged"] - total["refunded"] - total["disputed"]
    return net


class Ledger:
    def __init__(self, store: Store) -> None:
        self.store = store

    def record(self, kind: str, charge: Document, amount: int, **known: Any) -> None:
        values = {"kind": kind, "amount": amount, "charge": charge["id"], "refund": None, "dispute": None, **known}
        values |= {"payment_intent": charge["payment_intent"], "currency": charge["currency"]}
        self.store.change(
            "insert into movements (kind, payment_intent, charge, refund, dispute, amount, currency, created,"
            " request_id, idempotency_key) values (:kind, :payment_intent, :charge, :refund, :dispute, :amount,"
            " :currency, :created, :request_id, :idempotency_key)",
            values,
        )

    def record_transfer(self, transfer: Document, **known: Any) -> None:
        values = {name: transfer[name] for name in ("destination", "transfer_group", "amount", "currency", "created")}
        self.store.change(
            "insert into transferred (transfer, destination, transfer_group, amount, currency, created, request_id,"
            " idempotency_key) values (:transfer, :destination, :transfer_group, :amount, :currency, :created,"
            " :request_id, :idempotency_key)",
            {"transfer": transfer["id"], **values, **known},
        )

    def transfers(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.store.rows("select * from transferred order by seq")]

    def movements(self, intent: str | None) -> list[dict[str, Any]]:
        statement = "select * from movements where :intent is null or payment_intent = :intent order by seq"
        return [dict(row) for row in self.store.rows(statement, {"intent": intent})]

    def totals(self, intent: str | None) -> list[dict[str, Any]]:
        """Per payment intent: how often and how much was charged, refunded and (for now or for good) disputed, and
        whose booking it says it is for."""
        per_intent: dict[str, dict[str, Any]] = {}
        for movement in self.movements(intent):
            total = per_intent.setdefault(movement["payment_intent"], self._empty(movement))
            total[f"{movement['kind']}s"] += 1
            name, sign = COUNTS_AS.get(movement["kind"], ("", 0))
            if name:
                total[name] += sign * movement["amount"]
        return [{**total, "net": _net(total)} for total in per_intent.values()]

    def balances(self) -> dict[str, dict[str, int]]:
        """What the account has been charged for all of it, and what is on it after that and all else, by currency."""
        statement = (
            "select body ->> 'currency' as currency, sum(body ->> 'fee') as fees, sum(body ->> 'net') as balance"
            " from objects where object = 'balance_transaction' group by 1 order by 1"
        )
        rows = self.store.rows(statement)
        return {name: {row["currency"]: row[name] for row in rows} for name in ("fees", "balance")}

    def _empty(self, movement: dict[str, Any]) -> dict[str, Any]:
        intent = self.store.find(movement["payment_intent"]) or {}
        counted = dict.fromkeys((*COUNTED, *SUMS), 0)
        named = {"payment_intent": movement["payment_intent"], "currency": movement["currency"]}
        return {**named, "metadata": intent.get("metadata", {}), "status": intent.get("status"), **counted}

    @staticmethod
    def sums(totals: list[dict[str, Any]]) -> dict[str, int]:
        """What is left of all of it, per currency."""
        sums: dict[str, int] = defaultdict(int)
        for total in totals:
            sums[total["currency"]] += total["net"]
        return dict(sums)
