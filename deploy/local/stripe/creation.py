"""Creating a payment intent, and confirming it in the same call if asked to."""

from . import blank, confirmation
from .agreeing import begun, offered
from .call import Call
from .document import Document
from .intent import TOLD, options_of, refuse_bad_amount, take_customer, take_method
from .parameter import merged
from .params import CreateParams, read_params


def create(call: Call) -> Document:
    params = read_params(CreateParams, call.tree)
    refuse_bad_amount(params.amount, params.currency)
    intent = {**_begun(call), **_chosen(params)}
    take_customer(call, intent, params)
    take_method(call, intent, params)
    call.store.save(intent)
    call.announce("payment_intent.created", intent)
    return confirmation.confirm_with(call, intent, params) if params.confirm else intent


def _begun(call: Call) -> Document:
    not_yet = ("canceled_at", "cancellation_reason", "customer", "last_payment_error", "latest_charge", "next_action")
    return {
        **begun(call, "pi", "payment_intent", {**blank.PAYMENT_INTENT, **dict.fromkeys(not_yet)}),
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "confirmation_method": "automatic",
    }


def _chosen(params: CreateParams) -> Document:
    return {
        **offered(params),
        "amount": params.amount,
        "capture_method": params.capture_method,
        "currency": params.currency,
        "metadata": merged({}, params.metadata),
        "payment_method_options": options_of(params),
        **{name: getattr(params, name) for name in TOLD},
    }
