"""Every answer has Stripe's shape: held against Stripe's samples, and against the official library's annotations."""

import copy
import json
from typing import Any

import pytest
import stripe

from .annotations import breaches, hints_of
from .driver import Driver
from .receiver import Receiver
from .shapes import deviations, known_shapes
from .test_stripe_accounts import onboarded, onboarding

RESOURCES: dict[str, type] = {
    "account": stripe.Account,
    "account_link": stripe.AccountLink,
    "balance": stripe.Balance,
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "refund": stripe.Refund,
    "setup_intent": stripe.SetupIntent,
    "transfer": stripe.Transfer,
    "transfer_reversal": stripe.TransferReversal,
}
# Absent from a charge unless it is expanded.
SOMETIMES = {"charge.refunds is missing"}
INTENTS, SETUPS = "/v1/payment_intents", "/v1/setup_intents"
FORM: dict[str, Any] = {"amount": 5000, "currency": "usd", "payment_method_types[]": "card"}


def wrong_with(answer: dict[str, Any]) -> list[str]:
    """Everything in which an answer, or a resource expanded in it, differs from Stripe's."""
    kind = answer["object"]
    found = [*deviations(answer, known_shapes()[kind], kind), *breaches(answer, RESOURCES[kind], kind)]
    expanded = [value for value in answer.values() if isinstance(value, dict) and "id" in value and "object" in value]
    return [one for one in found if one not in SOMETIMES] + [one for inner in expanded for one in wrong_with(inner)]


async def intents_in_every_state(sandbox: Driver) -> dict[str, dict[str, Any]]:
    form: dict[str, Any] = {**FORM, "confirm": "true", "expand[]": "latest_charge"}
    cards = {"paid": "pm_card_visa", "asked": "pm_card_authenticationRequired"}
    made = {name: (await sandbox.post(INTENTS, **form, payment_method=card)).json() for name, card in cards.items()}
    held = await sandbox.post(INTENTS, **form, payment_method="pm_card_mastercard", capture_method="manual")
    declined = await sandbox.post(INTENTS, **form, payment_method="pm_card_chargeDeclined")
    new = await sandbox.post(INTENTS, amount=70, currency="usd", **{"automatic_payment_methods[enabled]": "true"})
    return {**made, "held": held.json(), "declined": declined.json()["error"]["payment_intent"], "new": new.json()}


async def test_intents_and_their_charges(sandbox: Driver) -> None:
    made = await intents_in_every_state(sandbox)
    states = {"paid": "succeeded", "asked": "requires_action", "held": "requires_capture"}
    states |= {"declined": "requires_payment_method", "new": "requires_payment_method"}
    assert {name: intent["status"] for name, intent in made.items()} == states
    assert {name: wrong_with(intent) for name, intent in made.items()} == {key: [] for key in made}
    gone = await sandbox.post(f"{INTENTS}/{made['held']['id']}/cancel", cancellation_reason="abandoned")
    assert wrong_with(gone.json()) == []
    await sandbox.control("POST", f"payment_intents/{made['asked']['id']}/authenticate", succeeds=True)
    charges = (await sandbox.get("/v1/charges", **{"limit": 4, "expand[]": "data.refunds"})).json()["data"]
    assert {charge["status"] for charge in charges} == {"succeeded", "failed"}
    assert [wrong_with(charge) for charge in charges] == [[]] * 4


async def test_refunds_and_balance_transactions(sandbox: Driver) -> None:
    paid = await sandbox.paid()
    expand = {"expand[0]": "balance_transaction", "expand[1]": "charge.refunds", "expand[2]": "payment_intent"}
    refund = (await sandbox.post("/v1/refunds", payment_intent=paid.id, **expand)).json()
    assert (refund["balance_transaction"]["type"], refund["charge"]["refunds"]["object"]) == ("refund", "list")
    assert wrong_with(refund) == []
    entries = (await sandbox.get("/v1/balance_transactions", limit=2)).json()["data"]
    assert [(entry["type"], wrong_with(entry)) for entry in entries] == [("refund", []), ("charge", [])]


async def test_customers_and_their_cards(sandbox: Driver) -> None:
    customer = (await sandbox.post("/v1/customers", email="ada@example.org", name="Ada")).json()
    assert wrong_with(customer) == []
    card: dict[str, Any] = {
        "type": "card",
        "card[number]": "5555555555554444",
        "card[exp_month]": 3,
        "card[exp_year]": 2031,
    }
    method = (await sandbox.post("/v1/payment_methods", **card)).json()
    assert (method["card"]["brand"], method["card"]["last4"], wrong_with(method)) == ("mastercard", "4444", [])
    attached = (await sandbox.post(f"/v1/payment_methods/{method['id']}/attach", customer=customer["id"])).json()
    assert (attached["customer"], wrong_with(attached)) == (customer["id"], [])


async def test_setup_intents_in_every_state(sandbox: Driver, receiver: Receiver) -> None:
    customer = (await sandbox.post("/v1/customers")).json()["id"]
    form: dict[str, Any] = {"payment_method_types[]": "card", "customer": customer, "metadata[a]": "b"}
    new = (await sandbox.post(SETUPS, **form)).json()
    cards = {"kept": "pm_card_visa", "asked": "pm_card_authenticationRequired"}
    made = {
        name: await sandbox.post(SETUPS, **form, confirm="true", payment_method=card) for name, card in cards.items()
    }
    declined = await sandbox.post(f"{SETUPS}/{new['id']}/confirm", payment_method="pm_card_chargeDeclined")
    gone = await sandbox.post(f"{SETUPS}/{made['asked'].json()['id']}/cancel", cancellation_reason="abandoned")
    all_ = [new, *(one.json() for one in made.values()), declined.json()["error"]["setup_intent"], gone.json()]
    open_, unpaid = "requires_payment_method", "requires_action"
    assert [setup["status"] for setup in all_] == [open_, "succeeded", unpaid, open_, "canceled"]
    assert [wrong_with(setup) for setup in all_] == [[]] * 5
    for kind in ("created", "requires_action", "canceled"):
        [told] = await receiver.wait_for(all_[4]["id"], f"setup_intent.{kind}")
        assert wrong_with(told.event["data"]["object"]) == []
    listed = (await sandbox.get("/v1/payment_methods", customer=customer, type="card")).json()
    of_customer = (await sandbox.get(f"/v1/customers/{customer}/payment_methods")).json()
    assert [method["id"] for method in listed["data"]] == [all_[1]["payment_method"]]
    assert (of_customer["data"], wrong_with(listed["data"][0])) == (listed["data"], [])


async def test_accounts_and_their_links(sandbox: Driver, receiver: Receiver) -> None:
    account, link = await onboarding(sandbox)
    assert (wrong_with(account), wrong_with(link)) == ([], [])
    await sandbox.http.post(link["url"], data={"outcome": "incomplete"})
    [told] = await receiver.wait_for(account["id"], "account.updated", 1)
    assert (told.event["account"], wrong_with(told.event)) == (account["id"], [])
    assert wrong_with(told.event["data"]["object"]) == []


async def test_transfers_and_the_balance(own_sandbox: Driver, own_receiver: Receiver) -> None:
    await own_sandbox.paid(payment_method="pm_card_bypassPending")
    await own_sandbox.paid()
    account = await onboarded(own_sandbox)
    form: dict[str, Any] = {
        "amount": 100,
        "currency": "usd",
        "destination": account,
        "transfer_group": "g",
        "metadata[a]": "b",
    }
    transfer = (await own_sandbox.post("/v1/transfers", **form, **{"expand[]": "balance_transaction"})).json()
    assert (transfer["balance_transaction"]["type"], wrong_with(transfer)) == ("transfer", [])
    assert wrong_with((await own_sandbox.get("/v1/balance")).json()) == []
    [told] = await own_receiver.wait_for(transfer["id"], "transfer.created", 1)
    assert (wrong_with(told.event), wrong_with(told.event["data"]["object"])) == ([], [])
    reversal = (await own_sandbox.post(f"/v1/transfers/{transfer['id']}/reversals", amount=40)).json()
    [told] = await own_receiver.wait_for(transfer["id"], "transfer.reversed", 1)
    listed = (await own_sandbox.get(f"/v1/transfers/{transfer['id']}/reversals")).json()["data"]
    assert [wrong_with(one) for one in (reversal, told.event, told.event["data"]["object"])] == [[], [], []]
    assert listed == [reversal] == told.event["data"]["object"]["reversals"]["data"]


async def test_events_and_what_they_carry(sandbox: Driver, receiver: Receiver) -> None:
    paid = await sandbox.paid()
    await sandbox.post("/v1/refunds", payment_intent=paid.id)
    await receiver.wait_for(paid.id, "charge.refunded")
    for received in receiver.about(paid.id):
        assert wrong_with(received.event) == []
        assert wrong_with(received.event["data"]["object"]) == []


async def test_errors(sandbox: Driver) -> None:
    declined = (await sandbox.post(INTENTS, **FORM, confirm="true", payment_method="pm_card_chargeDeclined")).json()
    unknown = (await sandbox.post(INTENTS, **FORM, colour="red")).json()
    known = set(hints_of(stripe.ErrorObject))
    for error in (declined["error"], unknown["error"]):
        assert error.keys() <= known
        assert {"type", "code", "message", "doc_url"} <= error.keys()


@pytest.mark.parametrize(
    ("path", "value"), [("status", "done"), ("amount", "5000"), ("created", None), ("id", ...), ("surprise", 1)]
)
async def test_the_comparison_sees_what_is_wrong(sandbox: Driver, path: str, value: Any) -> None:
    intent = json.loads((await sandbox.post(INTENTS, **FORM)).content)
    assert wrong_with(intent) == []
    changed = copy.deepcopy(intent)
    if value is ...:
        del changed[path]
    else:
        changed[path] = value
    assert wrong_with(changed) != []
