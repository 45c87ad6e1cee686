"""Refunds: money given back, never more than was taken."""

from . import balance, blank
from .call import Call
from .dispute import contested
from .document import Document
from .ids import new_id
from .listing import listed
from .parameter import merged
from .params import MetadataParams, Params, RefundList, RefundParams, read_params
from .refusal import Refusal, TurnedAway, UnexpectedState


def create(call: Call) -> Document:
    params = read_params(RefundParams, call.tree)
    charge = _charge_of(call, params)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if held := contested(call, charge):
        left -= held
        if left <= 0:
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise Refusal(message, code="charge_disputed")
    amount = params.amount or left
    if amount > left:
        message = f"Refund amount ({_written(amount)}) is greater than unrefunded amount on charge ({_written(left)})"
        raise Refusal(message, param="amount")
    return _give_back(call, charge, amount, params)


def _written(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _charge_of(call: Call, params: RefundParams) -> Document:
    if params.charge is not None:
        charge = call.load("charge", params.charge, "charge")
    elif params.payment_intent is not None:
        intent = call.load("payment_intent", params.payment_intent, "payment_intent")
        if intent["status"] != "succeeded":
            message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            raise UnexpectedState(message, intent)
        charge = call.load("charge", intent["latest_charge"])
    else:
        raise TurnedAway("One of the following params should be provided for this request: payment_intent or charge.")
    if not charge["captured"]:
        message = f"Charge {charge['id']} was not captured, so there is nothing to refund. Cancel its intent instead."
        raise Refusal(message, code="charge_not_refundable")
    return charge


def _give_back(call: Call, charge: Document, amount: int, params: RefundParams) -> Document:
    before = dict(charge)
    refund = _new(call, charge, amount, params)
    refund["balance_transaction"] = balance.enter(call, "refund", refund, -amount)["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.record("refund", charge, amount, refund=refund["id"])
    call.store.save(refund)
    call.store.save(charge)
    call.announce("refund.created", refund)
    call.announce("charge.refunded", charge, before)
    return refund


def _new(call: Call, charge: Document, amount: int, params: RefundParams) -> Document:
    card = {"reference": None, "reference_status": "pending", "reference_type": "acquirer_reference_number"}
    return {
        "id": new_id("re"),
        "object": "refund",
        **blank.REFUND,
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": {"type": "card", "card": {**card, "type": "refund"}},
        "metadata": merged({}, params.metadata),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.reason,
        "status": "succeeded",
    }


def retrieve(call: Call, identifier: str) -> Document:
    read_params(Params, call.tree)
    return call.load("refund", identifier)


def update(call: Call, identifier: str) -> Document:
    params = read_params(MetadataParams, call.tree)
    before = call.load("refund", identifier)
    refund = {**before, "metadata": merged(before["metadata"], params.metadata)}
    call.store.save(refund)
    call.announce("refund.updated", refund, before)
    return refund


def list_all(call: Call) -> Document:
    return listed(call, "refund", "/v1/refunds", read_params(RefundList, call.tree))
