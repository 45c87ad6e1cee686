"""Setup intents: a card is kept with its holder's consent, to be charged later without them. No money moves."""

from urllib.parse import urlencode

from . import blank
from .call import Call
from .document import Document
from .ids import new_client_secret, new_id
from .intent import OPEN, take_method
from .listing import listed
from .parameter import merged
from .params import Paying, RetrieveIntent, read_params
from .payment_method import assign, card_behind
from .refusal import DOCS, Refusal, TurnedAway
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
    setup = {**_blank(call), **_chosen(params)}
    if params.customer is not None:
        setup["customer"] = call.load("customer", params.customer, "customer")["id"]
    _take_method(call, setup, params)
    call.store.save(setup)
    call.announce("setup_intent.created", setup)
    return _confirm_with(call, setup, params) if params.confirm else setup


def _blank(call: Call) -> Document:
    identifier = new_id("seti")
    return {
        "id": identifier,
        "object": KIND,
        **blank.SETUP_INTENT,
        "client_secret": new_client_secret(identifier),
        "created": call.now,
        "livemode": False,
        "payment_method": None,
        "status": "requires_payment_method",
    }


def _chosen(params: SetupCreateParams) -> Document:
    automatic = params.automatic_payment_methods
    if automatic and automatic.enabled and params.payment_method_types:
        message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
        raise TurnedAway(message)
    if params.payment_method_types not in (None, ["card"]):
        raise TurnedAway("This sandbox knows cards only.", param="payment_method_types")
    redirects = automatic.allow_redirects if automatic else "always"
    chosen = params.payment_method_types is None and (automatic is None or automatic.enabled)
    asked = params.payment_method_options.card.request_three_d_secure
    return {
        "automatic_payment_methods": {"enabled": True, "allow_redirects": redirects} if chosen else None,
        "description": params.description,
        "metadata": merged({}, params.metadata),
        "payment_method_options": {"card": {"mandate_options": None, "network": None, "request_three_d_secure": asked}},
        "payment_method_types": ["card"],
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
    automatic = setup["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and not (params.return_url or params.use_stripe_sdk):
        raise Refusal("This SetupIntent may redirect your customer: you must provide a `return_url`.")
    card = card_behind(call.load("payment_method", setup["payment_method"]))
    if card.asks_for_authentication:
        _ask(call, setup, params)
    else:
        _finish(call, setup)
    _raise_decline(setup)
    return setup


def _ask(call: Call, setup: Document, params: SettingUp) -> None:
    query = urlencode({"client_secret": setup["client_secret"]})
    url = f"{call.public_url}/pay/{setup['id']}/authenticate?{query}"
    if params.return_url:
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": params.return_url, "url": url}}
    else:
        sdk = {"type": "three_d_secure_redirect", "stripe_js": url, "source": setup["payment_method"]}
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
    setup |= {"status": "requires_action", "next_action": action}
    call.store.save(setup)
    call.announce("setup_intent.requires_action", setup)


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


def _raise_decline(setup: Document) -> None:
    error = setup["last_setup_error"]
    if setup["status"] == "requires_payment_method" and error:
        known = {key: value for key, value in error.items() if key not in ("message", "code", "type", "doc_url")}
        told = {"status": 402, "kind": "card_error", "code": error["code"], "keeps_effects": True}
        raise Refusal(error["message"], **told, **known, setup_intent=setup)


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
