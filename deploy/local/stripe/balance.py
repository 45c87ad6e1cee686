"""Balance transactions: what each movement of money leaves on the account after Stripe's fee."""

from .call import Call
from .document import Document
from .ids import new_id
from .listing import listed
from .params import BalanceList, Params, read_params

FEE_PER_MILLE, FEE_FIXED = 29, 30
AVAILABLE_AFTER_SECONDS = 2 * 24 * 3600


def fee_of(amount: int) -> int:
    """What a captured charge costs."""
    return round(amount * FEE_PER_MILLE / 1000) + FEE_FIXED


def enter(
    call: Call, kind: str, source: Document, amount: int, *, fee: int = 0, category: str | None = None
) -> Document:
    """The entry of what came in (positive) or went out (negative); `category` says more in reports than `kind`."""
    currency = source["currency"]
    description = "Stripe processing fees"
    details = {"amount": fee, "application": None, "currency": currency, "description": description}
    entry: Document = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": call.now + AVAILABLE_AFTER_SECONDS,
        "balance_type": "payments",
        "created": call.now,
        "currency": currency,
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [{**details, "type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": category or kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    call.store.save(entry)
    return entry


def retrieve(call: Call, identifier: str) -> Document:
    read_params(Params, call.tree)
    return _as_of_now(call, call.load("balance_transaction", identifier))


def list_all(call: Call) -> Document:
    page = listed(call, "balance_transaction", "/v1/balance_transactions", read_params(BalanceList, call.tree))
    return {**page, "data": [_as_of_now(call, entry) for entry in page["data"]]}


def _as_of_now(call: Call, entry: Document) -> Document:
    return {**entry, "status": "available" if entry["available_on"] <= call.now else "pending"}
