"""Payment methods: a test card, and whom it belongs to."""

from typing import Any

from .call import Call
from .cards import BY_FINGERPRINT, BY_NAME, BY_NUMBER, Card
from .document import Document
from .ids import new_id
from .listing import listed
from .parameter import merged
from .params import AttachParams, MethodData, MethodParams, Params, RetrieveIntent, read_params
from .refusal import NoSuch, Refusal
from .setup_params import CardList, CustomersCardList

NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
NOBODY: Document = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}
DETACHED = "_detached"  # beside a method that was, since Stripe's own object does not say so
CHECKS = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}


def create(call: Call) -> Document:
    return make(call, read_params(MethodParams, call.tree))


def retrieve(call: Call, identifier: str) -> Document:
    read_params(RetrieveIntent, call.tree)
    return call.load("payment_method", identifier)


def attach(call: Call, identifier: str) -> Document:
    params = read_params(AttachParams, call.tree)
    customer = call.load("customer", params.customer, "customer")
    method = found(call, identifier)
    if method["customer"] not in (None, customer["id"]):
        raise Refusal("The payment method you provided has already been attached to a customer.")
    return assign(call, method, customer["id"])


def assign(call: Call, method: Document, customer_id: str) -> Document:
    """Keep a method for a customer, so that it can be charged again."""
    if method["customer"] is None:
        method["customer"] = customer_id
        call.store.save(method)
        call.announce("payment_method.attached", method)
    return method


def detach(call: Call, identifier: str) -> Document:
    """Nobody's any more, and never anybody's again."""
    read_params(Params, call.tree)
    method = call.load("payment_method", identifier)
    if method["customer"] is None:
        raise Refusal("The payment method you provided is not attached to a customer so detachment is impossible.")
    before = dict(method)
    method["customer"] = None
    call.store.save(method)
    call.store.save({"id": f"{identifier}_detached", "object": DETACHED, "created": call.now})
    call.announce("payment_method.detached", method, before)
    return method


def list_all(call: Call) -> Document:
    return listed(call, "payment_method", "/v1/payment_methods", read_params(CardList, call.tree))


def list_of(call: Call, customer_id: str) -> Document:
    params = read_params(CustomersCardList, call.tree)
    customer = call.load("customer", customer_id, "customer")
    of = CardList.model_construct(**dict(params), customer=customer["id"])
    return listed(call, "payment_method", f"/v1/customers/{customer_id}/payment_methods", of)


def found(call: Call, identifier: str) -> Document:
    """A method by its identifier. A test name such as `pm_card_visa` makes a new method each time it is used."""
    if card := BY_NAME.get(identifier):
        return _saved(call, card, exp=(12, 2040), billing=NOBODY, metadata={})
    method = call.store.find(identifier, "payment_method")
    if method is None:
        raise NoSuch("PaymentMethod", identifier, "payment_method")
    if call.store.find(f"{identifier}_detached", DETACHED):
        raise Refusal("This PaymentMethod was detached from a Customer, and may not be used again.")
    return method


def make(call: Call, data: MethodData) -> Document:
    """A method from a test card's number."""
    card = BY_NUMBER.get(data.card.number.replace(" ", ""))
    if card is None:
        message = "Your card number is incorrect, or is not one of the test cards that this sandbox knows."
        param = "card[number]"
        raise Refusal(message, status=402, kind="card_error", code="incorrect_number", param=param)
    billing = {**NOBODY, **data.billing_details.model_dump()}
    expires = (data.card.exp_month, data.card.exp_year)
    return _saved(call, card, exp=expires, billing=billing, metadata=merged({}, data.metadata))


def card_behind(method: Document) -> Card:
    return BY_FINGERPRINT[method["card"]["fingerprint"]]


def _saved(call: Call, card: Card, exp: tuple[int, int], billing: Document, metadata: dict[str, str]) -> Document:
    method: Document = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing,
        "card": {**printed(card, exp), **_abilities(card)},
        "created": call.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": metadata,
        "type": "card",
    }
    call.store.save(method)
    return method


def printed(card: Card, exp: tuple[int, int]) -> dict[str, Any]:
    """What a payment method and a charge both tell of a card."""
    return {
        "brand": card.brand,
        "checks": CHECKS,
        "country": "US",
        "exp_month": exp[0],
        "exp_year": exp[1],
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "last4": card.last4,
        "regulated_status": "unregulated",
        "wallet": None,
    }


def _abilities(card: Card) -> dict[str, Any]:
    return {
        "display_brand": "american_express" if card.brand == "amex" else card.brand,
        "generated_from": None,
        "networks": {"available": [card.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
    }
