"""The two ends of a hold: captured, or let go; and the end of an intent that is not to be paid."""

from copy import deepcopy
from typing import Any

from .call import Call
from .charge import take
from .dispute import open_if_the_card_does
from .document import Document
from .parameter import merged
from .params import CancelParams, CaptureParams, read_params
from .refusal import Refusal, UnexpectedState

CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")


def capture(call: Call, identifier: str) -> Document:
    params = read_params(CaptureParams, call.tree)
    intent = call.load("payment_intent", identifier, "intent")
    if intent["status"] != "requires_capture":
        message = (
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a"
            " PaymentIntent with one of the following statuses may be captured: requires_capture."
        )
        raise UnexpectedState(message, intent)
    amount = params.amount_to_capture or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        message = "The amount to capture is greater than the amount that can be captured on this PaymentIntent."
        raise Refusal(message, code="amount_too_large", param="amount_to_capture")
    intent["metadata"] = merged(intent["metadata"], params.metadata)
    charge = call.load("charge", intent["latest_charge"])
    before = deepcopy(charge)
    take(call, intent, charge, amount)
    call.announce("charge.captured", charge, before)
    call.announce("payment_intent.succeeded", intent)
    open_if_the_card_does(call, charge)
    return intent


def cancel(call: Call, identifier: str) -> Document:
    params = read_params(CancelParams, call.tree)
    intent = call.load("payment_intent", identifier, "intent")
    if intent["status"] not in CANCELABLE:
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent"
            f" with one of the following statuses may be canceled: {', '.join(CANCELABLE)}."
        )
        raise UnexpectedState(message, intent)
    return _end(call, intent, params.cancellation_reason, "charge.refunded")


def expire_holds(call: Call) -> int:
    """Cancel what was held and never captured: a card's hold lives seven days."""
    expired = [
        intent for intent in call.store.all_of("payment_intent", status="requires_capture") if _late(call, intent)
    ]
    for intent in expired:
        _end(call, intent, "automatic", "charge.expired")
    return len(expired)


def _late(call: Call, intent: Document) -> bool:
    charge = call.load("charge", intent["latest_charge"])
    before: Any = charge["payment_method_details"]["card"].get("capture_before")
    return before is not None and bool(before <= call.now)


def _end(call: Call, intent: Document, reason: str | None, announced: str) -> Document:
    if intent["status"] == "requires_capture":
        _release(call, intent, announced)
    intent |= {"status": "canceled", "canceled_at": call.now, "cancellation_reason": reason}
    intent |= {"amount_capturable": 0, "next_action": None}
    call.store.save(intent)
    call.announce("payment_intent.canceled", intent)
    return intent


def _release(call: Call, intent: Document, announced: str) -> None:
    """A hold that is let go shows as refunded on the charge, though no money had moved."""
    charge = call.load("charge", intent["latest_charge"])
    before = dict(charge)
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    call.record("release", charge, charge["amount"])
    call.store.save(charge)
    call.announce(announced, charge, before)
