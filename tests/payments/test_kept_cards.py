"""Cards that customers keep: asked for when paying, listed, paid with, deleted, and gone with their holder."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.payments.domain.kept_card import KeptCard, Wallet
from services.payments.domain.life import Status
from services.payments.domain.provider import Unanswered
from shared.contracts.identity import ErasureRequested, ExportRequested
from shared.contracts.payments import CardSaved, PersonalDataErased, PersonalDataExported
from shared.testing.plugin import Published
from shared.testing.tokens import customer

from .conftest import CUSTOMER, PRICE, As, Till, completed, held
from .test_authorised import near, on_day, saved, settle, visit

ERASE = ErasureRequested(erasure_id=1, version=2, user_id=1007, customer_id=CUSTOMER)
DEPOSIT: dict[str, Any] = {"payment_mode": "deposit", "deposit_cents": 4_000}


class Client:
    """A customer's, with their token."""

    def __init__(self, till: Till, as_: As, customer_id: int = CUSTOMER) -> None:
        self.till, self.headers = till, as_(customer(customer_id))

    async def cards(self) -> list[dict[str, Any]]:
        response = await self.till.client.get("/payments/v1/cards", headers=self.headers)
        found: list[dict[str, Any]] = response.json()["items"]
        return found

    async def keep(self, booking_id: int = 1) -> httpx.Response:
        path = f"/payments/v1/payments/{(await self.till.payment(booking_id)).id}/kept-card"
        return await self.till.client.put(path, headers=self.headers)

    async def pay(self, card_id: int, booking_id: int = 1) -> httpx.Response:
        path = f"/payments/v1/payments/{(await self.till.payment(booking_id)).id}/card"
        answer = await self.till.client.put(path, json={"card_id": card_id}, headers=self.headers)
        await self.till.work()
        return answer

    async def forget(self, card_id: int) -> httpx.Response:
        return await self.till.client.delete(f"/payments/v1/cards/{card_id}", headers=self.headers)


@pytest.fixture
def ada(till: Till, as_: As) -> Client:
    return Client(till, as_)


async def kept(till: Till, ada: Client, booking_id: int = 1, card: str = "pm_card_visa") -> int:
    """A card that was paid with and kept; its id."""
    intent_id = await till.ready(booking_id)
    assert (await ada.keep(booking_id)).status_code == 200
    await till.sandbox.confirm(intent_id, card)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    return int((await ada.cards())[0]["id"])


async def method_of(till: Till, card_id: int) -> str:
    async with till.database.begin() as session:
        return (await session.get_one(KeptCard, card_id)).stripe_payment_method_id


async def holder_of(till: Till, method: str) -> str | None:
    found = await till.sandbox.stripe.payment_methods.retrieve_async(method)
    return str(found.customer) if found.customer else None


async def test_who_does_not_ask_has_nothing_kept(till: Till, ada: Client) -> None:
    intent_id = await till.captured()
    found = await till.sandbox.stripe.payment_intents.retrieve_async(intent_id)
    assert (await ada.cards(), found.customer, await till.count(Wallet)) == ([], None, 0)


async def test_a_card_is_kept_and_shown_by_no_more_than_its_holder_knows_it_by(till: Till, ada: Client) -> None:
    await kept(till, ada)
    [card] = await ada.cards()
    assert {name: card[name] for name in card if name not in ("id", "created_at")} == {
        "brand": "visa", "last_four": "4242", "expires_month": 12, "expires_year": 2040,
    }  # fmt: skip
    await till.hand_on(await till.intent_id(), "payment_intent.succeeded")
    assert len(await ada.cards()) == 1


async def test_asked_twice_and_for_two_payments_there_is_one_customer(till: Till, ada: Client) -> None:
    await kept(till, ada)
    await till.ready(2)
    for _ in range(2):
        assert (await ada.keep(2)).status_code == 200
    found = await till.sandbox.stripe.payment_intents.retrieve_async(await till.intent_id(2))
    [card] = await ada.cards()
    assert found.customer == await holder_of(till, await method_of(till, card["id"]))
    assert await till.count(Wallet) == 1


async def test_the_next_booking_is_paid_with_it(till: Till, ada: Client) -> None:
    card_id = await kept(till, ada)
    await till.ready(2)
    paid = await ada.pay(card_id, 2)
    assert (paid.status_code, paid.json()["status"]) == (200, "captured")
    assert (await till.sandbox.totals(await till.intent_id(2)))["charged"] == PRICE
    again = await ada.pay(card_id, 2)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/not-to-be-paid")
    assert (await till.sandbox.totals(await till.intent_id(2)))["charges"] == 1
    assert len(await ada.cards()) == 1


async def test_a_bank_that_asks_leaves_it_to_be_paid_with_the_secret(till: Till, ada: Client) -> None:
    intent_id = await till.ready()
    await ada.keep()
    await till.sandbox.confirm(intent_id, "pm_card_authenticationRequired")
    await till.sandbox.control("POST", f"payment_intents/{intent_id}/authenticate", succeeds=True)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    [card] = await ada.cards()
    second = await till.ready(2)
    asked = await ada.pay(card["id"], 2)
    assert (asked.json()["status"], asked.json()["client_secret"].startswith(second)) == ("requires_payment", True)
    await till.sandbox.control("POST", f"payment_intents/{second}/authenticate", succeeds=True)
    await till.hand_on(second, "payment_intent.succeeded")
    assert (await till.payment(2)).status is Status.CAPTURED


async def test_a_kept_card_that_is_declined_says_why(till: Till, ada: Client) -> None:
    await till.hear(held(**visit(20)))
    await ada.keep()
    setup_id = str((await till.payment()).stripe_setup_intent_id)
    await till.sandbox.stripe.setup_intents.confirm_async(setup_id, {"payment_method": "pm_card_chargeCustomerFail"})
    await settle(till, setup_id, "setup_intent.succeeded")
    [card] = await ada.cards()
    await till.ready(2)
    declined = (await ada.pay(card["id"], 2)).json()
    assert (declined["status"], "declined" in declined["decline_reason"]) == ("requires_payment", True)


async def test_an_answer_that_gets_lost_is_told_by_webhook(till: Till, ada: Client) -> None:
    card_id = await kept(till, ada)
    await till.ready(2)
    await till.sandbox.break_next("payment_intents.confirm", "drop")
    assert (await ada.pay(card_id, 2)).status_code == 503
    assert (await ada.pay(card_id, 2)).json()["status"] == "captured"
    await till.hand_on(await till.intent_id(2), "payment_intent.succeeded")
    assert (await till.sandbox.totals(await till.intent_id(2)))["charges"] == 1


async def test_looking_at_cards_takes_one_statement(
    till: Till, ada: Client, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await kept(till, ada)
    with statements() as sent:
        await ada.cards()
    assert len(sent) == 1, sent


async def test_a_far_visit_is_promised_with_it_and_held_on_later(till: Till, ada: Client, published: Published) -> None:
    card_id = await kept(till, ada)
    way = visit(20)
    await till.hear(held(2, **way))
    answer = await ada.pay(card_id, 2)
    assert (answer.json()["status"], len(await published(CardSaved))) == ("card_saved", 1)
    in_use = await ada.forget(card_id)
    assert (in_use.status_code, in_use.json()["type"]) == (409, "/problems/card-in-use")
    with await on_day(till, 18.1):
        await near(till)
        assert (await till.payment(2)).status is Status.AUTHORISED
        await till.hear(completed(2, **way))
    assert (await till.payment(2)).status is Status.CAPTURED
    assert (await ada.forget(card_id)).status_code == 204


async def test_a_near_visit_is_authorised_with_it(till: Till, ada: Client) -> None:
    card_id = await kept(till, ada)
    await till.hear(held(2, **visit(3)))
    assert (await ada.pay(card_id, 2)).json()["status"] == "authorised"


@pytest.mark.parametrize("way", [visit(3), visit(20), DEPOSIT], ids=["hold", "setup", "deposit"])
async def test_a_card_that_is_charged_later_is_kept_as_it_is(till: Till, ada: Client, way: dict[str, Any]) -> None:
    """Its provider's customer becomes the one that all later cards are of."""
    await till.hear(held(**way))
    assert (await ada.keep()).status_code == 200
    payment = await till.payment()
    if setup_id := payment.stripe_setup_intent_id:
        await till.sandbox.stripe.setup_intents.confirm_async(setup_id, {"payment_method": "pm_card_visa"})
        await settle(till, setup_id, "setup_intent.succeeded")
    else:
        await till.sandbox.confirm(await till.intent_id())
        kind = "succeeded" if way is DEPOSIT else "amount_capturable_updated"
        await settle(till, await till.intent_id(), f"payment_intent.{kind}")
    [card] = await ada.cards()
    holder = await holder_of(till, await method_of(till, card["id"]))
    await till.hear(held(2, **way))
    assert (await ada.pay(card["id"], 2)).json()["status"] in ("authorised", "card_saved", "captured")
    await till.ready(3)
    await ada.keep(3)
    third = await till.sandbox.stripe.payment_intents.retrieve_async(await till.intent_id(3))
    assert third.customer == holder


async def test_a_payment_that_was_begun_before_takes_no_kept_card(till: Till, ada: Client) -> None:
    await till.hear(held(2, **visit(3)))
    card_id = await kept(till, ada)
    for answer in (await ada.pay(card_id, 2), await ada.keep(2)):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/card-not-for-this")
    assert (await till.payment(2)).status is Status.REQUIRES_PAYMENT


async def test_a_deleted_card_is_gone_here_and_at_the_provider(till: Till, ada: Client) -> None:
    card_id = await kept(till, ada)
    method = await method_of(till, card_id)
    assert (await ada.forget(card_id)).status_code == 204
    assert await ada.cards() == []
    assert (await ada.forget(card_id)).status_code == 404
    await till.sandbox.break_next("payment_methods.detach", "drop")
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    assert await holder_of(till, method) is None
    await till.hand_on(await till.intent_id(), "payment_intent.succeeded")
    await till.ready(2)
    assert ((await ada.pay(card_id, 2)).status_code, await ada.cards()) == (404, [])


async def test_nobody_elses_card_pays(till: Till, ada: Client, as_: As) -> None:
    card_id = await kept(till, ada)
    other = Client(till, as_, 8)
    await till.ready(2, customer_id=8)
    assert [(await other.pay(card_id, 2)).status_code, (await other.forget(card_id)).status_code] == [404, 404]
    assert ((await ada.pay(card_id, 2)).status_code, await other.cards()) == (404, [])


@pytest.mark.parametrize("mode", ["drop", "500", "500-stored"])
async def test_a_lost_customer_is_looked_up(till: Till, ada: Client, mode: str) -> None:
    await till.ready()
    await till.sandbox.break_next("customers.create", mode)
    assert (await ada.keep()).status_code == 503
    assert (await ada.keep()).status_code == 200
    found = await till.sandbox.stripe.payment_intents.retrieve_async(await till.intent_id())
    async with till.database.begin() as session:
        wallet = (await session.scalars(select(Wallet))).one()
    made = [one.to_dict() for one in (await till.sandbox.stripe.customers.list_async({"limit": 20})).data]
    mine = [one["id"] for one in made if one["metadata"].get("mdh_reference") == str(wallet.reference)]
    assert mine == [found.customer] == [wallet.stripe_customer_id]


async def test_who_is_erased_has_no_card_left_anywhere(till: Till, ada: Client, published: Published) -> None:
    """Neither one that was kept, nor one that was saved for what an appointment still costs."""
    method = await method_of(till, await kept(till, ada))
    intent_id = await till.ready(2, **DEPOSIT)
    await till.sandbox.confirm(intent_id)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    of_deposit = str(((await till.payment(2)).payment_method or {})["id"])
    await till.deliver(ExportRequested(export_id=1, version=1, user_id=1007, customer_id=CUSTOMER))
    [told] = await published(PersonalDataExported)
    assert "4242" in told.data
    await till.hear(ERASE)  # type: ignore[arg-type]
    assert [await holder_of(till, one) for one in (method, of_deposit)] == [None, None]
    assert (await till.count(KeptCard), await till.count(Wallet)) == (0, 0)
    [receipt] = await published(PersonalDataErased)
    assert (receipt.counts["kept_cards"], receipt.counts["wallets"]) == (1, 1)


async def test_a_card_that_was_to_be_kept_is_not_kept_for_somebody_erased_meanwhile(till: Till, ada: Client) -> None:
    intent_id = await till.ready()
    await ada.keep()
    await till.sandbox.confirm(intent_id)
    await till.post(await till.webhook(intent_id, "payment_intent.succeeded"))
    await till.deliver(ERASE)
    await till.work()
    used = (await till.sandbox.stripe.payment_intents.retrieve_async(intent_id)).payment_method
    assert (await till.count(KeptCard), await holder_of(till, str(used))) == (0, None)


async def test_the_card_that_was_declined_is_not_the_one_to_be_kept(till: Till, ada: Client) -> None:
    """Asked for while another one is wanted: by hand, and the provider does not keep that one."""
    await kept(till, ada, 2)
    await saved(till, visit(20), "pm_card_chargeCustomerFail")
    with await on_day(till, 18.1):
        await near(till)
        assert (await ada.keep()).status_code == 200
        await till.work()
        await till.sandbox.confirm(await till.intent_id(), "pm_card_mastercard")
        await settle(till, await till.intent_id())
    assert [card["last_four"] for card in await ada.cards()] == ["4242"]


async def test_what_the_provider_told_of_a_saved_card_is_erased_too(till: Till) -> None:
    setup_id = await saved(till, visit(20))
    await till.deliver(ERASE)
    [told] = [webhook for webhook in await till.webhooks() if webhook.type == "setup_intent.succeeded"]
    assert (told.payload, setup_id.startswith("seti_")) == ({}, True)
