"""Balance transactions: what each movement of money leaves on the account after Stripe's fee."""

from .call import Call
from .document import Document
from .ids import new_id
from .listing import listed
from .params import BalanceList, Params, read_params

FEE_PER_MILLE, FEE_FIXED = 29, 30
AVAILABLE_AFTER_SECONDS = 2 * 24 * 3600
STATES = ("available", "pending")


def fee_of(amount: int) -> int:
    """What a captured charge of an American card costs: 2.9 % and 30 cents; half a cent counts as one."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def enter(
    call: Call,
    kind: str,
    source: Document,
    amount: int,
    *,
    fee: int = 0,
    category: str | None = None,
    at_once: bool = False,
) -> Document:
    """The entry of what came in (positive) or went out (negative); `category` says more in reports than `kind`.

    What goes out is gone at once; what comes in can be used after two days, or `at_once`.
    """
    currency = source["currency"]
    description = "Stripe processing fees"
    details = {"amount": fee, "application": None, "currency": currency, "description": description}
    entry: Document = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": call.now + (0 if at_once or amount < 0 else AVAILABLE_AFTER_SECONDS),
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
        "status": "available" if at_once or amount < 0 else "pending",
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


def available(call: Call, currency: str) -> int:
    """What can be given away by now."""
    return _sums(call).get(currency, (0, 0))[0]


def retrieve_sums(call: Call) -> Document:
    read_params(Params, call.tree)
    sums = _sums(call) or {"usd": (0, 0)}
    reserved = [{"amount": 0, "currency": currency} for currency in sums]
    shown = {
        name: [_sum(currency, both[place]) for currency, both in sums.items()] for place, name in enumerate(STATES)
    }
    return {"object": "balance", **shown, "connect_reserved": reserved, "livemode": False}


def _sum(currency: str, amount: int) -> Document:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _sums(call: Call) -> dict[str, tuple[int, int]]:
    """Available and pending, by currency."""
    statement = (
        "select body ->> 'currency' as currency,"
        " sum(iif(body ->> 'available_on' <= :now, body ->> 'net', 0)) as available,"
        " sum(iif(body ->> 'available_on' <= :now, 0, body ->> 'net')) as pending"
        " from objects where object = 'balance_transaction' group by 1 order by 1"
    )
    rows = call.store.rows(statement, {"now": call.now})
    return {row["currency"]: (row["available"], row["pending"]) for row in rows}


def _as_of_now(call: Call, entry: Document) -> Document:
    return {**entry, "status": "available" if entry["available_on"] <= call.now else "pending"}
