"""Of a payment by somebody who was erased the books are left; what the provider tells later adds nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from services.payments.commands import webhooks
from services.payments.domain.life import Status
from services.payments.domain.webhook import Outcome, Webhook
from shared.clock import now
from shared.contracts.identity import ErasureRequested
from shared.contracts.payments import PaymentRefunded, PersonalDataErased
from shared.testing.plugin import Published

from .conftest import CUSTOMER, PRICE, Till, refund_due
from .test_webhooks import signed

ERASE = ErasureRequested(erasure_id=1, version=2, user_id=1007, customer_id=CUSTOMER)


async def test_amounts_ids_and_times_stay_how_they_paid_does_not(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    await till.captured(2, customer_id=8)
    await till.deliver(ERASE)
    payment, another = await till.payment(), await till.payment(2)
    assert (payment.status, payment.captured_cents, payment.stripe_payment_intent_id) == (
        Status.CAPTURED, PRICE, intent_id,
    )  # fmt: skip
    assert (payment.payment_method, payment.client_secret) == ({}, None)
    assert another.payment_method
    told = {webhook.payload != {} for webhook in await till.webhooks() if intent_id in str(webhook.payload)}
    assert told == set()
    [receipt] = await published(PersonalDataErased)
    assert (receipt.counts["payments"], receipt.counts["webhooks"]) == (1, 1)


async def test_money_still_goes_back_and_a_late_success_brings_nothing_back(till: Till, published: Published) -> None:
    """The provider says once more that it was paid, after the refund of somebody who was erased."""
    intent_id = await till.captured()
    await till.deliver(ERASE)
    await till.hear(refund_due())
    await till.hand_on(intent_id, "payment_intent.succeeded")
    for refund in await till.refunds():
        assert refund.amount_cents == PRICE
    assert (await till.payment()).payment_method == {}
    assert [event.refund_cents for event in await published(PaymentRefunded)] in ([], [PRICE])


async def test_an_intent_that_is_paid_after_the_erasure_keeps_no_card(till: Till) -> None:
    intent_id = await till.ready()
    await till.deliver(ERASE)
    await till.sandbox.confirm(intent_id)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    payment = await till.payment()
    assert (payment.status, payment.payment_method) == (Status.CAPTURED, {})


@pytest.mark.parametrize("kind", ["payment_method.detached", "customer.updated"])
async def test_of_people_and_their_cards_only_ids_are_kept_of_what_is_told_later(till: Till, kind: str) -> None:
    """The provider says with all details that a card was detached, which an erasure has it do."""
    subject = {"id": "pm_1", "object": "payment_method", "customer": None, "billing_details": {"name": "Ada"}}
    told = {"id": "evt_1", "type": kind, "created": 1, "data": {"object": subject, "previous_attributes": {"x": "Ada"}}}
    for _ in range(2):
        assert (await till.post(signed(told))).status_code == 200
    [kept] = await till.webhooks()
    assert (kept.event_id, kept.outcome, kept.payload) == (
        "evt_1", Outcome.IGNORED,
        {"id": "evt_1", "type": kind, "created": 1,
         "data": {"object": {"id": "pm_1", "object": "payment_method", "customer": None}}},
    )  # fmt: skip


async def test_what_was_stored_of_a_persons_cards_is_erased_and_others_is_not(till: Till, published: Published) -> None:
    """However it names the person: by a card, by one of the provider's customers, or as that customer."""
    async with till.database.begin() as session:
        for customer_id, name in ((CUSTOMER, "1"), (8, "2")):
            await session.execute(
                text(
                    "insert into wallets (customer_id, stripe_customer_id, reference, idempotency_key)"
                    " values (:id, 'cus_' || :name, gen_random_uuid(), 'w' || :name)"
                ),
                {"id": customer_id, "name": name},
            )
            for subject in ({"id": f"pm_{name}", "customer": f"cus_{name}"}, {"id": f"cus_{name}"}):
                told = {"id": "e", "data": {"object": subject | {"billing_details": {"name": "Ada"}}}}
                event_id = f"evt_{subject['id']}"
                session.add(
                    Webhook(
                        event_id=event_id,
                        type="payment_method.x",
                        payload=told,
                        handled_at=now(),
                        outcome=Outcome.IGNORED,
                    )
                )
    await till.deliver(ERASE)
    left = {hook.event_id: bool(hook.payload) for hook in await till.webhooks()}
    assert left == {"evt_pm_1": False, "evt_cus_1": False, "evt_pm_2": True, "evt_cus_2": True}
    [receipt] = await published(PersonalDataErased)
    assert receipt.counts["webhooks"] == 2


async def test_details_of_webhooks_are_forgotten_but_for_those_that_a_person_must_look_at(till: Till) -> None:
    await till.captured()
    await till.captured(2)
    async with till.database.begin() as session:
        await session.execute(update(Webhook).values(handled_at=now() - timedelta(days=31)))
        parked = update(Webhook).where(Webhook.id == (await till.webhooks())[0].id)
        await session.execute(parked.values(outcome=Outcome.PARKED))
    async with till.database.begin() as session:
        await webhooks.forget_details(session, before=now() - timedelta(days=30), limit=100)
    assert [bool(webhook.payload) for webhook in await till.webhooks()] == [True, False]
