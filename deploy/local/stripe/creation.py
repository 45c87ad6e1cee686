"""Creating a payment intent, and confirming it in the same call if asked to."""

from . import blank, confirmation
from .call import Call
from .document import Document
from .ids import new_client_secret, new_id
from .intent import TOLD, options_of, refuse_bad_amount, take_customer, take_method
from .parameter import merged
from .params import CreateParams, read_params
from .refusal import TurnedAway


def create(call: Call) -> Document:
    params = read_params(CreateParams, call.tree)
    refuse_bad_amount(params.amount, params.currency)
    intent = {**_blank(call), **_chosen(params)}
    take_customer(call, intent, params)
    take_method(call, intent, params)
    call.store.save(intent)
    call.announce("payment_intent.created", intent)
    return confirmation.confirm_with(call, intent, params) if params.confirm else intent


def _blank(call: Call) -> Document:
    identifier = new_id("pi")
    not_yet = ("canceled_at", "cancellation_reason", "customer", "last_payment_error", "latest_charge", "next_action")
    return {
        "id": identifier,
        "object": "payment_intent",
        **blank.PAYMENT_INTENT,
        **dict.fromkeys(not_yet),
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "client_secret": new_client_secret(identifier),
        "confirmation_method": "automatic",
        "created": call.now,
        "livemode": False,
        "payment_method": None,
        "status": "requires_payment_method",
    }


def _chosen(params: CreateParams) -> Document:
    """Without a list of types, Stripe offers whatever the account has switched on: here, cards."""
    automatic = params.automatic_payment_methods
    if automatic and automatic.enabled and params.payment_method_types:
        message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
        raise TurnedAway(message)
    if params.payment_method_types not in (None, ["card"]):
        raise TurnedAway("This sandbox knows cards only.", param="payment_method_types")
    redirects = automatic.allow_redirects if automatic else "always"
    chosen = params.payment_method_types is None and (automatic is None or automatic.enabled)
    return {
        "amount": params.amount,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": redirects} if chosen else None,
        "capture_method": params.capture_method,
        "currency": params.currency,
        "metadata": merged({}, params.metadata),
        "payment_method_options": options_of(params),
        "payment_method_types": ["card"],
        **{name: getattr(params, name) for name in TOLD},
    }
