"""Charges: one try to move a customer's money, whether it worked or not."""

from typing import Any

from . import balance, blank, dispute
from .call import Call
from .cards import Card, Decline
from .document import Document
from .ids import new_id
from .listing import listed
from .params import ChargeList, Params, read_params
from .payment_method import assign, card_behind, printed
from .refusal import DOCS

TAKEN_OVER = (
    "amount",
    "currency",
    "customer",
    "description",
    "metadata",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
HOLD_SECONDS = 7 * 24 * 3600
UNAUTHENTICATED = (
    "payment_intent_authentication_failure",
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod"
    " to attempt to fulfill this PaymentIntent again.",
)


def attempt(call: Call, intent: Document, authenticated: bool = False) -> None:
    """Charge the intent's card, or hold the amount on it if it is to be captured by hand."""
    method = call.load("payment_method", intent["payment_method"])
    card = card_behind(method)
    refusal = card.decline
    is_known = card.asks_until_kept and method["customer"] is not None
    if card.asks_for_authentication and not is_known and not authenticated:
        refusal = Decline("authentication_required", "authentication_required")
    if refusal is not None:
        decline(call, intent, refusal)
        return
    charge = _begun(call, intent, method, authenticated)
    intent |= {"latest_charge": charge["id"], "next_action": None, "last_payment_error": None}
    if intent["setup_future_usage"] and intent["customer"]:
        assign(call, method, intent["customer"])
    if intent["capture_method"] == "manual":
        _hold(call, intent, charge)
    else:
        take(call, intent, charge, charge["amount"])
        call.announce("charge.succeeded", charge)
        call.announce("payment_intent.succeeded", intent)
        dispute.open_if_the_card_does(call, charge)


def _hold(call: Call, intent: Document, charge: Document) -> None:
    intent |= {"status": "requires_capture", "amount_capturable": charge["amount"]}
    charge["payment_method_details"]["card"]["capture_before"] = call.now + HOLD_SECONDS
    call.record("authorization", charge, charge["amount"])
    call.store.save(charge)
    call.store.save(intent)
    call.announce("charge.succeeded", charge)
    call.announce("payment_intent.amount_capturable_updated", intent)


def take(call: Call, intent: Document, charge: Document, amount: int) -> None:
    """Move the money: all of the charge, or that part of a hold which is captured. The rest of a hold is let go."""
    charge |= {"captured": True, "amount_captured": amount, "amount_refunded": charge["amount"] - amount}
    card = card_behind(call.load("payment_method", charge["payment_method"]))
    entry = balance.enter(call, "charge", charge, amount, fee=balance.fee_of(amount), at_once=card.is_available_at_once)
    charge["balance_transaction"] = entry["id"]
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    call.record("charge", charge, amount)
    call.store.save(charge)
    call.store.save(intent)


def decline(call: Call, intent: Document, refusal: Decline | None) -> None:
    """The bank said no; or, without a reason, the customer could not prove who they are and no charge was tried."""
    method = call.load("payment_method", intent["payment_method"])
    error: Document = {"payment_method": method}
    if refusal is None:
        error |= {"type": "invalid_request_error", "code": UNAUTHENTICATED[0], "message": UNAUTHENTICATED[1]}
    else:
        charge = _begun(call, intent, method, False)
        charge |= _failure(refusal)
        call.store.save(charge)
        call.announce("charge.failed", charge)
        intent["latest_charge"] = charge["id"]
        error |= {"type": "card_error", "code": refusal.code, "message": refusal.message}
        error |= {"charge": charge["id"], "decline_code": refusal.reason}
    error["doc_url"] = DOCS + error["code"].replace("_", "-")
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_payment_error"] = error
    call.store.save(intent)
    call.announce("payment_intent.payment_failed", intent)


def _failure(refusal: Decline) -> Document:
    outcome = _outcome("declined_by_network", refusal.reason, "The bank did not return any further details.")
    return {
        "status": "failed",
        "paid": False,
        "failure_code": refusal.code,
        "failure_message": refusal.message,
        "outcome": {**outcome, "type": "issuer_declined"},
    }


def _begun(call: Call, intent: Document, method: Document, authenticated: bool) -> Document:
    identifier = new_id("ch")
    return {
        "id": identifier,
        "object": "charge",
        **blank.CHARGE,
        **{name: intent[name] for name in TAKEN_OVER},
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "MDH",
        "captured": False,
        "created": call.now,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "outcome": _outcome("approved_by_network", None, "Payment complete."),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(method, intent["amount"], authenticated),
        "receipt_url": f"{call.public_url}/receipts/{identifier}",
        "refunded": False,
        "status": "succeeded",
    }


def _outcome(network: str, reason: str | None, message: str) -> Document:
    nothing = dict.fromkeys(("advice_code", "network_advice_code", "network_decline_code"))
    told = {"network_status": network, "reason": reason, "seller_message": message}
    return {**nothing, **told, "risk_level": "normal", "type": "authorized"}


def _details(method: Document, amount: int, authenticated: bool) -> Document:
    card: Card = card_behind(method)
    shown = printed(card, (method["card"]["exp_month"], method["card"]["exp_year"]))
    unavailable: dict[str, Any] = {"status": "unavailable"}
    told: Document = {
        "amount_authorized": amount,
        "authorization_code": new_id("", 6)[1:].upper(),
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": unavailable,
        "multicapture": unavailable,
        "network": card.brand,
        "network_token": {"used": False},
        "overcapture": {"maximum_amount_capturable": amount, **unavailable},
        "three_d_secure": _three_d_secure() if authenticated else None,
    }
    return {"type": "card", "card": {**blank.CHARGED_CARD, **shown, **told}}


def _three_d_secure() -> Document:
    nothing = dict.fromkeys(("exemption_indicator", "result_reason", "transaction_id"))
    told = {"authentication_flow": "challenge", "electronic_commerce_indicator": "05", "version": "2.2.0"}
    return {**nothing, **told, "result": "authenticated"}


def retrieve(call: Call, identifier: str) -> Document:
    read_params(Params, call.tree)
    return call.load("charge", identifier)


def list_all(call: Call) -> Document:
    return listed(call, "charge", "/v1/charges", read_params(ChargeList, call.tree))
