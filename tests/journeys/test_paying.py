"""What happens at the till: cards that will not, cards that ask, hasty fingers, and webhooks that nobody sent so."""

import asyncio
import json
import time
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx
import pytest
import stripe

from deploy.local.demo import customers, outside
from deploy.local.demo.http import Unexpected, ask, came, until
from deploy.local.demo.people import JSON, Person
from deploy.local.state import State

from ..running import PATIENCE, PRICE, ZIP, RunningSystem, Shop
from .test_money_back import NOTICE, told

HOOK = "/payments/v1/webhooks/stripe"


@dataclass
class Till:
    """A customer in front of a booking that waits for its money."""

    system: RunningSystem
    person: Person
    booking: JSON
    payment: JSON

    @property
    def intent(self) -> str:
        return customers.intent_of(self.payment)

    async def pay(self, card: str = "pm_card_visa") -> JSON:
        return await customers.pay(self.person, self.system.site.stripe, self.payment, card)

    async def is_confirmed(self) -> None:
        await until("confirmed", lambda: customers.booking(self.person, self.booking["id"], "confirmed"), PATIENCE)
        moved = await outside.ledger(self.person.http, self.system.site.stripe, self.intent)
        assert (moved["charges"], moved["charged"], moved["refunds"]) == (1, PRICE, 0)

    async def now(self) -> tuple[str, str]:
        """How booking and payment stand."""
        booking = await self.person.get(f"/booking/v1/bookings/{self.booking['id']}")
        payment = await self.person.get(f"/payments/v1/payments/{self.payment['id']}")
        return booking["status"], payment["status"]


async def till(system: RunningSystem, shop: Shop, http: httpx.AsyncClient) -> Till:
    person = await system.person(http, "customer")
    slot = await customers.first_slot(person, shop.tier["id"], after=NOTICE)
    assert slot
    booking = (await customers.take(person, customers.booking_request(shop.tier, slot, ZIP), token_hex(16))).json()
    payment = await until("payment", lambda: customers.payment_of(person, booking["id"]), PATIENCE)
    return Till(system, person, booking, payment)


async def test_a_declined_card_is_told_and_another_one_pays(
    system: RunningSystem, shop: Shop, http: httpx.AsyncClient
) -> None:
    it = await till(system, shop, http)
    with pytest.raises(Unexpected, match="expected 200, came 402"):
        await it.pay("pm_card_chargeDeclined")
    await told(it.person, "payment_failed")
    assert await it.now() == ("held", "requires_payment")
    await it.pay()
    await it.is_confirmed()


async def test_a_card_that_asks_for_3d_secure_pays_once_its_holder_has_answered(
    system: RunningSystem, shop: Shop, http: httpx.AsyncClient
) -> None:
    it = await till(system, shop, http)
    asked = await it.pay("pm_card_authenticationRequired")
    assert (asked["status"], asked["next_action"] is None) == ("requires_action", False)
    assert await it.now() == ("held", "requires_payment")
    bank = f"{system.site.stripe}/_sandbox/payment_intents/{it.intent}/authenticate"
    await ask(http, "POST", bank, json={"succeeds": True})
    await it.is_confirmed()


async def test_a_double_click_pays_once(system: RunningSystem, shop: Shop, http: httpx.AsyncClient) -> None:
    it = await till(system, shop, http)
    clicks = await asyncio.gather(*(it.pay() for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(click, dict) for click in clicks) >= 1
    assert all(came(click, 400) for click in clicks if isinstance(click, Unexpected)), clicks
    await it.is_confirmed()


async def test_only_a_webhook_as_it_was_sent_and_just_now_is_believed(
    system: RunningSystem, shop: Shop, http: httpx.AsyncClient
) -> None:
    """One byte changed, so that another payment would be paid; signed for the future, or long ago: nothing happens."""
    paid, open_ = await till(system, shop, http), await till(system, shop, http)
    await paid.pay()
    await paid.is_confirmed()
    event = await _event(system, http, paid.intent)
    secret = State.load(system.home.state).secret("stripe.webhook", "whsec_")

    async def send(body: str, *, ahead: int = 0, signed: str | None = None) -> int:
        at = int(time.time()) + ahead
        header = stripe.WebhookSignature.generate_signature_header(body if signed is None else signed, secret, at)
        return (await http.post(HOOK, content=body, headers={"Stripe-Signature": header})).status_code

    real = json.dumps(event)
    forged = real.replace(paid.intent, open_.intent)
    changed = real.replace('"amount_received": 5900', '"amount_received": 5901')
    assert (forged != real, changed != real) == (True, True)
    refused = [await send(forged, signed=real), await send(changed, signed=real)]
    refused += [await send(forged, ahead=ahead) for ahead in (310, 10**6, -310)]
    assert refused == [400] * 5
    before = await paid.person.get(f"/payments/v1/payments/{paid.payment['id']}")
    assert [await send(real) for _ in range(3)] == [200] * 3
    await system.rest()
    assert await open_.now() == ("held", "requires_payment")
    assert await paid.person.get(f"/payments/v1/payments/{paid.payment['id']}") == before
    await paid.is_confirmed()


async def _event(system: RunningSystem, http: httpx.AsyncClient, intent: str) -> dict[str, Any]:
    """What the provider has told of it, as it may be read again."""
    key = State.load(system.home.state).secret("stripe.api_key", "sk_test_")
    query = {"type": "payment_intent.succeeded", "limit": 100}
    page = (await ask(http, "GET", f"{system.site.stripe}/v1/events", params=query, auth=(key, ""))).json()
    return next(event for event in page["data"] if event["data"]["object"]["id"] == intent)
