"""Confirming an intent: the customer agrees to pay, the bank may ask them to prove who they are."""

from . import intent as intents
from .agreeing import ask, lacks_return_url, raise_decline
from .call import Call
from .cards import Decline
from .charge import attempt, decline
from .document import Document
from .params import Confirming, ConfirmParams, read_params
from .payment_method import card_behind
from .refusal import Refusal, UnexpectedState

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)
NOT_ABSENT = (
    "You cannot confirm with the `off_session` parameter when `setup_future_usage` is also set on the PaymentIntent "
    "because you cannot set up future usages when processing payments off-session."
)
NO_RETURN_URL = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these "
    "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't "
    "want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)


def confirm(call: Call, identifier: str) -> Document:
    params = read_params(ConfirmParams, call.tree)
    intent = intents.shown_to(call, identifier, params.client_secret)
    _refuse_unless_confirmable(intent)
    intents.take_payment(call, intent, params)
    return confirm_with(call, intent, params)


def confirm_with(call: Call, intent: Document, params: Confirming) -> Document:
    """Confirm with what the intent has by now; a declined card is an error that leaves its traces."""
    if intent["payment_method"] is None:
        raise UnexpectedState(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method.",
            intent,
        )
    if lacks_return_url(intent, params):
        raise Refusal(NO_RETURN_URL)
    if params.off_session and intent["setup_future_usage"]:
        raise Refusal(NOT_ABSENT)
    if _asks_for_authentication(call, intent, params):
        _ask(call, intent, params)
    else:
        attempt(call, intent)
    raise_decline(intent, intent["last_payment_error"])
    return intent


def _refuse_unless_confirmable(intent: Document) -> None:
    if intent["status"] in ("succeeded", "requires_capture"):
        message = (
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
        )
        raise UnexpectedState(message, intent)
    if intent["status"] not in CONFIRMABLE:
        message = (
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent"
            f" with one of the following statuses may be confirmed: {', '.join(CONFIRMABLE)}."
        )
        raise UnexpectedState(message, intent)


def _asks_for_authentication(call: Call, intent: Document, params: Confirming) -> bool:
    card = card_behind(call.load("payment_method", intent["payment_method"]))
    forced = intent["payment_method_options"]["card"]["request_three_d_secure"] != "automatic"
    return (card.asks_for_authentication or forced) and not params.off_session


def _ask(call: Call, intent: Document, params: Confirming) -> None:
    if params.error_on_requires_action:
        decline(call, intent, Decline("authentication_required", "authentication_required"))
        return
    ask(call, intent, params)


def authenticate(call: Call, intent: Document, succeeds: bool) -> Document:
    """What the customer's bank says after asking them: go on with the charge, or let it fail."""
    if intent["status"] != "requires_action":
        raise UnexpectedState("This PaymentIntent does not wait for an authentication.", intent)
    if succeeds:
        attempt(call, intent, authenticated=True)
    else:
        decline(call, intent, None)
    return intent
