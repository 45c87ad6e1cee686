"""What payment and setup intents have in common: how they begin, what they offer, and how their customer agrees."""

from typing import Any, Protocol
from urllib.parse import urlencode

from .call import Call
from .document import Document
from .ids import new_client_secret, new_id
from .refusal import Refusal, TurnedAway


class Offering(Protocol):
    automatic_payment_methods: Any
    payment_method_types: list[str] | None


class Agreeing(Protocol):
    return_url: str | None
    use_stripe_sdk: bool


def begun(call: Call, prefix: str, kind: str, blank: Document) -> Document:
    identifier = new_id(prefix)
    return {
        "id": identifier,
        "object": kind,
        **blank,
        "client_secret": new_client_secret(identifier),
        "created": call.now,
        "livemode": False,
        "payment_method": None,
        "status": "requires_payment_method",
    }


def offered(params: Offering) -> Document:
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
        "automatic_payment_methods": {"enabled": True, "allow_redirects": redirects} if chosen else None,
        "payment_method_types": ["card"],
    }


def lacks_return_url(intent: Document, params: Agreeing) -> bool:
    automatic = intent["automatic_payment_methods"]
    redirects = automatic and automatic["allow_redirects"] == "always"
    return bool(redirects) and not (params.return_url or params.use_stripe_sdk)


def ask(call: Call, intent: Document, params: Agreeing) -> None:
    """The bank wants its customer to prove who they are: on a page of ours, or in the front end's library."""
    query = urlencode({"client_secret": intent["client_secret"]})
    url = f"{call.public_url}/pay/{intent['id']}/authenticate?{query}"
    if params.return_url:
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": params.return_url, "url": url}}
    else:
        sdk = {"type": "three_d_secure_redirect", "stripe_js": url, "source": intent["payment_method"]}
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
    intent |= {"status": "requires_action", "next_action": action}
    call.store.save(intent)
    call.announce(f"{intent['object']}.requires_action", intent)


def raise_decline(intent: Document, error: Document | None) -> None:
    """A card that was declined is an error that leaves its traces."""
    if intent["status"] == "requires_payment_method" and error:
        told = {key: value for key, value in error.items() if key not in ("message", "code", "type", "doc_url")}
        told |= {"status": 402, "kind": "card_error", "code": error["code"], "keeps_effects": True}
        raise Refusal(error["message"], **(told | {intent["object"]: intent}))
