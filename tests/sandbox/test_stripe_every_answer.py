"""Each call that the sandbox knows is made, and each answer has the shape of its resource, in lists and events too."""

from typing import Any

from deploy.local.stripe.routes import OPERATIONS

from .driver import Driver
from .receiver import Receiver
from .test_stripe_accounts import onboarded
from .test_stripe_shapes import RESOURCES, wrong_with

CARD = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": "3", "card[exp_year]": "2031"}
USD: dict[str, Any] = {"amount": 5000, "currency": "usd", "payment_method_types[]": "card"}
PAID: dict[str, Any] = {**USD, "confirm": "true", "payment_method": "pm_card_bypassPending"}
LINKS = {"type": "account_onboarding", "return_url": "https://a.example", "refresh_url": "https://a.example"}
BY_NAME = {operation.name: operation for operation in OPERATIONS}


class Walk:
    """Keeps what was said to each call, and what is wrong with it."""

    def __init__(self, sandbox: Driver) -> None:
        self.sandbox = sandbox
        self.made: set[str] = set()
        self.kinds: set[str] = set()
        self.wrong: dict[str, list[str]] = {}

    async def ask(self, name: str, id: str = "", /, **form: Any) -> dict[str, Any]:
        operation = BY_NAME[name]
        path = operation.path.replace("{id}", id)
        call = self.sandbox.get if operation.method == "GET" else self.sandbox.post
        answer: dict[str, Any] = (await call(path, **form)).json()
        self.made.add(name)
        for one in self._resources(name, answer):
            self.kinds.add(one["object"])
            if found := wrong_with(one):
                self.wrong[f"{name} {one['id']}"] = found
        return answer

    def _resources(self, name: str, answer: dict[str, Any]) -> list[dict[str, Any]]:
        assert "error" not in answer, (name, answer)
        if answer["object"] not in ("list", "search_result"):
            return [answer]
        more = {"next_page"} if answer["object"] == "search_result" else set()
        assert answer.keys() == {"object", "url", "has_more", "data"} | more
        assert answer["data"], f"{name} shows nothing"
        subjects = [one["data"]["object"] for one in answer["data"] if one["object"] == "event"]
        return [*answer["data"], *subjects]


async def _cards(walk: Walk) -> None:
    customer = (await walk.ask("customers.create", name="Ada"))["id"]
    await walk.ask("customers.update", customer, email="ada@example.org")
    await walk.ask("customers.retrieve", customer)
    await walk.ask("customers.list")
    method = (await walk.ask("payment_methods.create", **CARD))["id"]
    await walk.ask("payment_methods.attach", method, customer=customer)
    await walk.ask("payment_methods.retrieve", method)
    await walk.ask("payment_methods.list", customer=customer)
    await walk.ask("customers.payment_methods", customer)
    setups = [(await walk.ask("setup_intents.create", customer=customer, **{"payment_method_types[]": "card"}))["id"]
              for _ in range(2)]  # fmt: skip
    await walk.ask("setup_intents.confirm", setups[0], payment_method=method)
    await walk.ask("setup_intents.cancel", setups[1])
    await walk.ask("setup_intents.retrieve", setups[0])
    await walk.ask("setup_intents.list")
    await walk.ask("payment_methods.detach", method)


async def _payments(walk: Walk) -> None:
    held = (await walk.ask("payment_intents.create", **USD, capture_method="manual"))["id"]
    await walk.ask("payment_intents.update", held, description="Wash")
    await walk.ask("payment_intents.confirm", held, payment_method="pm_card_visa")
    await walk.ask("payment_intents.capture", held, amount_to_capture=3000)
    gone = (await walk.ask("payment_intents.create", **USD))["id"]
    await walk.ask("payment_intents.cancel", gone)
    charge = (await walk.ask("payment_intents.retrieve", held))["latest_charge"]
    await walk.ask("payment_intents.list")
    await walk.ask("charges.retrieve", charge)
    await walk.ask("charges.list")
    refund = (await walk.ask("refunds.create", payment_intent=held, amount=1000))["id"]
    await walk.ask("refunds.update", refund, **{"metadata[why]": "late"})
    await walk.ask("refunds.retrieve", refund)
    await walk.ask("refunds.list")


async def _searches(walk: Walk) -> None:
    """A minute later; what was made just now no search shows."""
    sought, query = {"metadata[why]": "sought"}, "metadata['why']:'sought'"
    await walk.ask("customers.create", **sought)
    await walk.ask("payment_intents.create", **USD, **sought)
    assert (await walk.sandbox.get("/v1/customers/search", query=query)).json()["data"] == []
    await walk.sandbox.control("PUT", "clock", advance_seconds=61)
    for name in ("customers.search", "payment_intents.search"):
        assert len((await walk.ask(name, query=query))["data"]) == 1
    refused = await walk.sandbox.get("/v1/customers/search", query="email:'ada@example.org'")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "query")


async def _disputes(walk: Walk) -> None:
    for card in ("pm_card_createDispute", "pm_card_createDisputeInquiry"):
        await walk.ask("payment_intents.create", **{**PAID, "payment_method": card})
    first, second = [one["id"] for one in (await walk.ask("disputes.list"))["data"]]
    await walk.ask("disputes.update", first, **{"evidence[uncategorized_text]": "Here it is.", "submit": "false"})
    await walk.ask("disputes.close", second)
    await walk.ask("disputes.retrieve", first)


async def _affiliates(walk: Walk) -> None:
    for _ in range(2):
        await walk.ask("payment_intents.create", **PAID)
    form = {"type": "express", "country": "US", "capabilities[transfers][requested]": "true"}
    account = (await walk.ask("accounts.create", **form))["id"]
    await walk.ask("account_links.create", account=account, **LINKS)
    await walk.ask("accounts.retrieve", account)
    await walk.ask("accounts.list")
    to = await onboarded(walk.sandbox)
    transfer = (await walk.ask("transfers.create", amount=100, currency="usd", destination=to))["id"]
    await walk.ask("transfers.retrieve", transfer)
    await walk.ask("transfers.reversals.create", transfer, amount=40)
    await walk.ask("transfers.reversals.list", transfer)
    await walk.ask("transfers.list")
    await walk.ask("balance.retrieve")
    entries = (await walk.ask("balance_transactions.list", **{"expand[]": "data.source"}))["data"]
    await walk.ask("balance_transactions.retrieve", entries[0]["id"])


async def test_every_answer_has_the_shape_of_its_resource(own_sandbox: Driver, own_receiver: Receiver) -> None:
    walk = Walk(own_sandbox)
    for part in (_cards, _payments, _disputes, _affiliates, _searches):
        await part(walk)
    events = (await walk.ask("events.list", limit=100))["data"]
    await walk.ask("events.retrieve", events[0]["id"])
    assert walk.wrong == {}
    assert walk.made == BY_NAME.keys()
    assert walk.kinds == RESOURCES.keys()
    assert {one["type"].split(".")[0] for one in events} >= {"payment_intent", "setup_intent", "transfer", "refund"}
