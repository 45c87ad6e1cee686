"""Transfers: money of the platform's available balance, given to a connected account."""

from . import balance, blank
from .call import Call
from .document import Document
from .ids import new_id
from .ledger import Ledger
from .listing import listed
from .parameter import merged
from .params import Params, ReversalList, ReversalParams, TransferList, TransferParams, read_params
from .refusal import NoSuch, Refusal

NOT_CAPABLE = (
    "Your destination account needs to have at least one of the following capabilities enabled: transfers,"
    " crypto_transfers, legacy_payments"
)
NOT_ENOUGH = (
    "You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance"
    " by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing#available-balance"
)


def create(call: Call) -> Document:
    params = read_params(TransferParams, call.tree)
    account = call.store.find(params.destination, "account")
    if account is None:
        raise NoSuch("destination", params.destination, "destination")
    if account["capabilities"].get("transfers") != "active":
        raise Refusal(NOT_CAPABLE, code="insufficient_capabilities_for_transfer")
    if params.amount > balance.available(call, params.currency):
        raise Refusal(NOT_ENOUGH, code="balance_insufficient")
    transfer = _new(call, params)
    transfer["balance_transaction"] = balance.enter(call, "transfer", transfer, -params.amount)["id"]
    Ledger(call.store).record_transfer(transfer, request_id=call.request_id, idempotency_key=call.key)
    call.store.save(transfer)
    call.announce("transfer.created", transfer)
    return transfer


def _new(call: Call, params: TransferParams) -> Document:
    identifier = new_id("tr")
    reversals = {"object": "list", "data": [], "has_more": False, "url": f"/v1/transfers/{identifier}/reversals"}
    return {
        "id": identifier,
        "object": "transfer",
        **blank.TRANSFER,
        "amount": params.amount,
        "created": call.now,
        "currency": params.currency,
        "description": params.description,
        "destination": params.destination,
        "destination_payment": new_id("py"),
        "metadata": merged({}, params.metadata),
        "reversals": reversals,
        "transfer_group": params.transfer_group,
    }


def reverse(call: Call, identifier: str) -> Document:
    """All that is left of it, or a part, comes back to the platform's balance."""
    params = read_params(ReversalParams, call.tree)
    before = call.load("transfer", identifier)
    left = before["amount"] - before["amount_reversed"]
    if left == 0:
        raise Refusal(f"Transfer {identifier} has already been reversed.", code="transfer_already_reversed")
    amount = params.amount or left
    if amount > left:
        raise Refusal("Reversal amount is greater than what is left of the transfer.", param="amount")
    reversal = _reversal(call, before, amount, params)
    reversal["balance_transaction"] = balance.enter(call, "transfer_refund", reversal, amount, at_once=True)["id"]
    back = before["amount_reversed"] + amount
    reversals = {**before["reversals"], "data": [reversal, *before["reversals"]["data"]][:10]}
    after = {**before, "amount_reversed": back, "reversed": back == before["amount"], "reversals": reversals}
    call.store.save(reversal)
    call.store.save(after)
    call.announce("transfer.reversed", after, before)
    return reversal


def _reversal(call: Call, transfer: Document, amount: int, params: ReversalParams) -> Document:
    return {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": merged({}, params.metadata),
        "source_refund": None,
        "transfer": transfer["id"],
    }


def reversals(call: Call, identifier: str) -> Document:
    params = read_params(ReversalList, call.tree).model_copy(update={"transfer": identifier})
    call.load("transfer", identifier)
    return listed(call, "transfer_reversal", f"/v1/transfers/{identifier}/reversals", params)


def retrieve(call: Call, identifier: str) -> Document:
    read_params(Params, call.tree)
    return call.load("transfer", identifier)


def list_all(call: Call) -> Document:
    return listed(call, "transfer", "/v1/transfers", read_params(TransferList, call.tree))
