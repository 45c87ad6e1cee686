"""The sandbox and another server that speaks Stripe's API are asked the same, and say the same.

The other one knows no Connect, no idempotency keys, no refund webhooks and few parameters, so the stories are told in
the words that both understand.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import stripe
from pydantic import SecretStr

from services.payments.clients import Provider
from services.payments.domain.kept_card import Wallet
from services.payments.domain.provider import SavedCard
from services.payments.domain.refund import Refund
from services.payments.settings import Settings
from shared.settings import Profile, Role

from .driver import Driver
from .localstripe import Localstripe
from .process import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET
from .receiver import Receiver

Story = Callable[["Server"], Awaitable[dict[str, Any]]]
Different = set[str]
ID = re.compile(r"^(acct|ch|cus|evt|pi|pm|re|txn)_\w+")
TIMES = {"created", "date"}
THEIR_OWN = {"api_version", "client_secret", "country", "fingerprint", "stripe_js"}


@dataclass
class Server:
    """One of the two: `told` keeps what it said, step by step."""

    api: Driver
    provider: Provider
    receiver: Receiver

    async def intent(self, card: str | None = "pm_card_visa", **more: Any) -> stripe.PaymentIntent:
        paid_with = {"payment_method": card} if card else {}
        return await self.api.intent(5000, metadata={"booking_id": "7"}, **paid_with, **more)


async def refusal(asked: Awaitable[Any]) -> dict[str, Any]:
    """How a call is refused. What was to be refused and is not shows as a difference; not every refusal has a code."""
    try:
        await asked
    except stripe.StripeError as error:
        return {"kind": type(error).__name__, "status": error.http_status} | (
            {"code": error.code} if error.code else {}
        )
    return {"kind": "nothing"}


async def held_and_captured_in_part(server: Server) -> dict[str, Any]:
    intents = server.api.stripe.payment_intents
    made = await server.intent(capture_method="manual")
    held = await intents.confirm_async(made.id, {"expand": ["latest_charge"]})
    too_much = await refusal(intents.capture_async(made.id, {"amount_to_capture": 5001}))
    taken = await intents.capture_async(made.id, {"amount_to_capture": 3000, "expand": ["latest_charge"]})
    again = await refusal(intents.capture_async(made.id, {"amount_to_capture": 100}))
    gone = await refusal(intents.cancel_async(made.id))
    told = await intents.retrieve_async(made.id, {"expand": ["latest_charge"]})
    return {
        "made": made,
        "held": held,
        "too much": too_much,
        "taken": taken,
        "again": again,
        "gone": gone,
        "told": told,
    }


async def paid_and_refunded_in_parts(server: Server) -> dict[str, Any]:
    refunds = server.api.stripe.refunds
    paid = await server.intent(confirm=True, expand=["latest_charge"])
    first = await refunds.create_async({"payment_intent": paid.id, "amount": 1200, "metadata": {"why": "late"}})
    of_charge = await refunds.create_async({"charge": str(getattr(paid.latest_charge, "id", "")), "amount": 300})
    listed = await refunds.list_async({"payment_intent": paid.id})
    told = await refunds.retrieve_async(first.id)
    charge = await server.api.stripe.charges.retrieve_async(str(first.charge))
    nothing = await refusal(refunds.create_async({"payment_intent": "pi_of_nobody"}))
    amounts = sorted(one.amount for one in listed.data)
    return {"paid": paid, "first": first, "of charge": of_charge, "listed": {"amounts": amounts}, "told": told,
            "charge": charge, "nothing": nothing}  # fmt: skip


async def declined(server: Server) -> dict[str, Any]:
    intents = server.api.stripe.payment_intents
    made = await server.intent("pm_card_chargeCustomerFail")
    no = await refusal(intents.confirm_async(made.id))
    told = await intents.retrieve_async(made.id, {"expand": ["latest_charge"]})
    unpaid = await refusal(server.api.stripe.refunds.create_async({"payment_intent": made.id}))
    return {"made": made, "no": no, "told": told, "unpaid": unpaid}


async def cancelled(server: Server) -> dict[str, Any]:
    intents = server.api.stripe.payment_intents
    new, bare = await server.intent(), await server.intent(None)
    held = await server.intent(capture_method="manual", confirm=True)
    gone = [await intents.cancel_async(one.id) for one in (new, bare, held)]
    confirmed = await refusal(intents.confirm_async(new.id))
    again = await refusal(intents.cancel_async(new.id))
    unknown = await refusal(intents.retrieve_async("pi_of_nobody"))
    return {"new": new, "bare": bare, "held": held, "gone": gone[0], "gone bare": gone[1], "gone held": gone[2],
            "confirmed": confirmed, "again": again, "unknown": unknown}  # fmt: skip


async def asked_for_3d_secure(server: Server) -> dict[str, Any]:
    card: Any = {"number": "4000002760003184", "exp_month": 3, "exp_year": 2031, "cvc": "123"}
    method = await server.api.stripe.payment_methods.create_async({"type": "card", "card": card})
    made = await server.intent(method.id)
    asked = await server.api.stripe.payment_intents.confirm_async(made.id)
    gone = await server.api.stripe.payment_intents.cancel_async(made.id)
    return {"card": method, "made": made, "asked": asked, "gone": gone}


async def a_card_is_kept_by_the_client_module(server: Server) -> dict[str, Any]:
    """As payments itself does it."""
    customer = await server.provider.create_customer(Wallet(customer_id=7, **Wallet.intended()))
    other = await server.provider.create_customer(Wallet(customer_id=8, **Wallet.intended()))
    methods = server.api.stripe.payment_methods
    card: Any = {"number": "4242424242424242", "exp_month": 3, "exp_year": 2031, "cvc": "123"}
    method = (await methods.create_async({"type": "card", "card": card})).id
    attached = await methods.attach_async(method, {"customer": customer})
    kept = await server.provider.get_card(SavedCard(customer, method))
    of_another = await server.provider.get_card(SavedCard(other, method))
    await server.provider.detach_card(method)
    left = await server.provider.get_card(SavedCard(customer, method))
    return {"attached": attached, "cards": {"kept": kept, "of another": of_another, "left": left}}


async def refunds_by_the_client_module(server: Server) -> dict[str, Any]:
    paid = await server.intent(confirm=True)
    wanted = [
        Refund(payment_id=1, amount_cents=cents, reason="late", cause=str(cents), **Refund.intended())
        for cents in (1100, 400)
    ]
    made = [await server.provider.refund(one, paid.id) for one in wanted]
    listed = {one.reference: one for one in await server.provider.refunds_of(paid.id)}
    assert [listed[one.reference] for one in wanted] == made
    assert all(one.moves_money for one in made)
    return {"made": {"refunds": [(one.status, one.amount_cents) for one in made]}}


async def a_signed_webhook(server: Server) -> dict[str, Any]:
    paid = await server.intent(confirm=True)
    [hook] = await server.receiver.wait_for(paid.id, "payment_intent.succeeded")
    event = server.provider.verified(hook.body, hook.signature)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(hook.body, hook.signature, "whsec_of_others", 300)
    return {"event": event.payload}


# Where the other one does not do as Stripe does; everything else has to agree.
DIFFERENT: dict[Story, Different] = {
    paid_and_refunded_in_parts: {"of charge.payment_intent: 'pi_…', None"},
    declined: {"told.payment_method: None, 'pm_…'", "told.latest_charge.captured: False, True"},
}
STORIES: list[Story] = [
    held_and_captured_in_part,
    paid_and_refunded_in_parts,
    declined,
    cancelled,
    asked_for_3d_secure,
    a_card_is_kept_by_the_client_module,
    refunds_by_the_client_module,
    a_signed_webhook,
]


def plain(said: Any, key: str = "") -> Any:
    """Without what is each server's own: ids by their kind, times as such."""
    if hasattr(said, "to_dict"):
        return plain(said.to_dict())
    if isinstance(said, dict):
        return {name: plain(value, name) for name, value in said.items()}
    if isinstance(said, list | tuple):
        return [plain(one) for one in said]
    if key in TIMES and said is not None:
        return "time"
    found = ID.match(said) if isinstance(said, str) else None
    return f"{found[1]}_…" if found else said


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Among the keys that both have; neither shows all that Stripe does. What one shows whole the other may name."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours.keys() & theirs.keys() - THEIR_OWN:
            yield from differences(ours[key], theirs[key], f"{path}.{key}" if path else key)
    elif isinstance(ours, str) and isinstance(theirs, dict):
        yield from differences(ours, theirs.get("id"), path)
    elif ours != theirs:
        yield f"{path}: {ours!r}, {theirs!r}"


@pytest.fixture(scope="module")
def localstripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Localstripe]:
    server = Localstripe(tmp_path_factory.mktemp("localstripe"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def client_module(url: str) -> Provider:
    return Provider(
        Settings(
            profile=Profile.TEST,
            role=Role.API,
            jwks_file=Path("none"),
            database_url=SecretStr("postgresql://nobody@127.0.0.1/nothing"),
            stripe_api_key=SecretStr(SECRET_KEY),
            stripe_api_base=url,
            stripe_webhook_secret=SecretStr(WEBHOOK_SECRET),
            stripe_publishable_key=PUBLISHABLE_KEY,
        )
    )


@asynccontextmanager
async def opened(driver: Driver, receiver: Receiver) -> AsyncIterator[Server]:
    provider = client_module(driver.url)
    yield Server(driver, provider, receiver)
    await provider.aclose()


@pytest.fixture
async def ours(sandbox: Driver, receiver: Receiver) -> AsyncIterator[Server]:
    async with opened(sandbox, receiver) as server:
        yield server


@pytest.fixture
async def theirs(localstripe: Localstripe, own_receiver: Receiver) -> AsyncIterator[Server]:
    localstripe.tells(own_receiver.url, WEBHOOK_SECRET)
    driver = Driver(localstripe.url)
    async with opened(driver, own_receiver) as server:
        yield server
    await driver.close()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_both_say_the_same(ours: Server, theirs: Server, story: Story) -> None:
    said, also_said = await asyncio.gather(story(ours), story(theirs))
    assert said.keys() == also_said.keys()
    assert set(differences(plain(said), plain(also_said))) == DIFFERENT.get(story, set())
