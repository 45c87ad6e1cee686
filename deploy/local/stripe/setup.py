"""Setup intents: a card is kept with its holder's consent, to be charged later without them. No money moves."""

from . import blank
from .agreeing import ask, begun, lacks_return_url, offered, raise_decline
from .call import Call
from .document import Document
from .intent import OPEN, take_method
from .listing import listed
from .parameter import merged
from .params import Paying, RetrieveIntent, read_params
from .payment_method import assign, card_behind
from .refusal import DOCS, Refusal
from .setup_params import SettingUp, SetupCancelParams, SetupConfirmParams, SetupCreateParams, SetupList

KIND = "setup_intent"
UNAUTHENTICATED = (
    "setup_intent_authentication_failure",
    "The latest attempt to set up the payment method has failed because authentication failed.",
)


class UnexpectedSetup(Refusal):
    def __init__(self, message: str, setup: Document) -> None:
        super().__init__(message, code="setup_intent_unexpected_state", setup_intent=setup)


def create(call: Call) -> Document:
    params = read_params(SetupCreateParams, call.tree)
    setup = {**begun(call, "seti", KIND, blank.SETUP_INTENT), **_chosen(params)}
    if params.customer is not None:
        setup["customer"] = call.load("customer", params.customer, "customer")["id"]
    _take_method(call, setup, params)
    call.store.save(setup)
    call.announce("setup_intent.created", setup)
    return _confirm_with(call, setup, params) if params.confirm else setup


def _chosen(params: SetupCreateParams) -> Document:
    asked = params.payment_method_options.card.request_three_d_secure
    return {
        **offered(params),
        "description": params.description,
        "metadata": merged({}, params.metadata),
        "payment_method_options": {"card": {"mandate_options": None, "network": None, "request_three_d_secure": asked}},
        "usage": params.usage,
    }


def _take_method(call: Call, setup: Document, params: SettingUp) -> None:
    given = params.model_fields_set & {"payment_method", "payment_method_data"}
    take_method(call, setup, Paying.model_construct(given, **{name: getattr(params, name) for name in given}))


def retrieve(call: Call, identifier: str) -> Document:
    return shown_to(call, identifier, read_params(RetrieveIntent, call.tree).client_secret)


def shown_to(call: Call, identifier: str, client_secret: str | None) -> Document:
    """As for a payment intent: a customer's client proves with its secret that it may know it."""
    setup = call.load(KIND, identifier, "intent")
    if (client_secret is None and not call.by_customer) or client_secret == setup["client_secret"]:
        return setup
    message = "The client_secret provided does not match the client_secret associated with the SetupIntent."
    raise Refusal(message, code="setup_intent_invalid_parameter", param="client_secret")


def list_all(call: Call) -> Document:
    return listed(call, KIND, "/v1/setup_intents", read_params(SetupList, call.tree))


def confirm(call: Call, identifier: str) -> Document:
    params = read_params(SetupConfirmParams, call.tree)
    setup = shown_to(call, identifier, params.client_secret)
    if setup["status"] not in OPEN:
        raise UnexpectedSetup(
            f"You cannot confirm this SetupIntent because it has a status of {setup['status']}.", setup
        )
    _take_method(call, setup, params)
    return _confirm_with(call, setup, params)


def _confirm_with(call: Call, setup: Document, params: SettingUp) -> Document:
    """A card that is declined here is an error that leaves its traces; some are only when they are charged."""
    if setup["payment_method"] is None:
        raise UnexpectedSetup("You cannot confirm this SetupIntent because it's missing a payment method.", setup)
    if lacks_return_url(setup, params):
        raise Refusal("This SetupIntent may redirect your customer: you must provide a `return_url`.")
    card = card_behind(call.load("payment_method", setup["payment_method"]))
    if card.asks_for_authentication:
        ask(call, setup, params)
    else:
        _finish(call, setup)
    raise_decline(setup, setup["last_setup_error"])
    return setup


def authenticate(call: Call, setup: Document, succeeds: bool) -> Document:
    if setup["status"] != "requires_action":
        raise UnexpectedSetup("This SetupIntent does not wait for an authentication.", setup)
    if succeeds:
        _finish(call, setup)
    else:
        _fail(call, setup, {"type": "invalid_request_error", "code": UNAUTHENTICATED[0], "message": UNAUTHENTICATED[1]})
    return setup


def _finish(call: Call, setup: Document) -> None:
    method = call.load("payment_method", setup["payment_method"])
    card = card_behind(method)
    if card.decline is not None and not card.declines_only_charges:
        refusal = card.decline
        error = {"type": "card_error", "code": refusal.code, "message": refusal.message}
        _fail(call, setup, {**error, "decline_code": refusal.reason})
        return
    if setup["customer"]:
        assign(call, method, setup["customer"])
    setup |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    call.store.save(setup)
    call.announce("setup_intent.succeeded", setup)


def _fail(call: Call, setup: Document, error: Document) -> None:
    error |= {"payment_method": call.load("payment_method", setup["payment_method"])}
    error["doc_url"] = DOCS + error["code"].replace("_", "-")
    setup |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    setup["last_setup_error"] = error
    call.store.save(setup)
    call.announce("setup_intent.setup_failed", setup)


def cancel(call: Call, identifier: str) -> Document:
    params = read_params(SetupCancelParams, call.tree)
    setup = call.load(KIND, identifier, "intent")
    if setup["status"] not in OPEN:
        raise UnexpectedSetup(
            f"You cannot cancel this SetupIntent because it has a status of {setup['status']}.", setup
        )
    setup |= {"status": "canceled", "cancellation_reason": params.cancellation_reason, "next_action": None}
    call.store.save(setup)
    call.announce("setup_intent.canceled", setup)
    return setup
