"""Payment intents: who may see one, and what may be changed before it is paid."""

from .call import Call
from .document import Document
from .listing import listed
from .parameter import CURRENCIES, MOST_CENTS, merged
from .params import Describing, IntentList, Paying, RetrieveIntent, UpdateParams, read_params
from .payment_method import found, make
from .refusal import Refusal, TurnedAway, UnexpectedState
from .search import searched

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
TOLD = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)


def options_of(params: Paying) -> Document:
    asked = params.payment_method_options.card.request_three_d_secure
    card = {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": asked}
    return {"card": card}


def take_customer(call: Call, intent: Document, params: Describing) -> None:
    if params.customer is None:
        return
    if intent["customer"] not in (None, params.customer):
        message = (
            "You cannot modify `customer` on a PaymentIntent once it already has been set. To fulfill a payment with a"
            " different Customer, cancel this PaymentIntent and create a new one."
        )
        raise Refusal(message, param="customer")
    intent["customer"] = call.load("customer", params.customer, "customer")["id"]


def take_payment(call: Call, intent: Document, params: Paying) -> None:
    """What an update or a confirmation says about how to pay."""
    if "payment_method_options" in params.model_fields_set:
        intent["payment_method_options"] = options_of(params)
    intent |= params.given("setup_future_usage", "receipt_email")
    take_method(call, intent, params)


def take_method(call: Call, intent: Document, params: Paying) -> None:
    """The method of payment, when the call names or describes one."""
    if params.payment_method is not None:
        method = found(call, params.payment_method)
    elif params.payment_method_data is not None:
        method = make(call, params.payment_method_data)
    else:
        return
    if method["customer"] not in (None, intent["customer"]):
        message = "The PaymentMethod belongs to a Customer. Please include the Customer that it belongs to."
        raise Refusal(message, param="payment_method")
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def refuse_bad_amount(amount: int, currency: str) -> None:
    least = CURRENCIES[currency]
    if amount < least:
        message = f"Amount must be at least {least} of the smallest unit of {currency}."
        raise TurnedAway(message, code="amount_too_small", param="amount")
    if amount > MOST_CENTS:
        message = f"Amount must be no more than {MOST_CENTS} of the smallest unit of {currency}."
        raise TurnedAway(message, code="amount_too_large", param="amount")


def retrieve(call: Call, identifier: str) -> Document:
    params = read_params(RetrieveIntent, call.tree)
    return shown_to(call, identifier, params.client_secret)


def shown_to(call: Call, identifier: str, client_secret: str | None) -> Document:
    """An intent, if the caller may know it: a customer's client proves that with the intent's own secret."""
    intent = call.load("payment_intent", identifier, "intent")
    if client_secret is None and not call.by_customer:
        return intent
    if client_secret != intent["client_secret"]:
        message = "The client_secret provided does not match the client_secret associated with the PaymentIntent."
        raise Refusal(message, code="payment_intent_invalid_parameter", param="client_secret")
    return intent


def list_all(call: Call) -> Document:
    return listed(call, "payment_intent", "/v1/payment_intents", read_params(IntentList, call.tree))


def search(call: Call) -> Document:
    return searched(call, "payment_intent", "/v1/payment_intents/search")


def update(call: Call, identifier: str) -> Document:
    """Metadata and description may change at any time; what is to be paid, and how, only before it is."""
    params = read_params(UpdateParams, call.tree)
    intent = call.load("payment_intent", identifier, "intent")
    if params.amount is not None or params.payment_method or params.payment_method_data:
        _refuse_unless_open(intent)
    if params.amount is not None:
        refuse_bad_amount(params.amount, intent["currency"])
        intent["amount"] = params.amount
    take_customer(call, intent, params)
    take_payment(call, intent, params)
    intent |= {**params.given(*TOLD), "metadata": merged(intent["metadata"], params.metadata)}
    call.store.save(intent)
    return intent


def _refuse_unless_open(intent: Document) -> None:
    if intent["status"] not in OPEN:
        message = (
            f"This PaymentIntent could not be updated because it has a status of {intent['status']}. You may only"
            f" update it in one of the following statuses: {', '.join(OPEN)}."
        )
        raise UnexpectedState(message, intent)
