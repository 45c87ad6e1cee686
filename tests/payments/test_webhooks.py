"""What the provider tells us: believed only when it is really the provider, acted upon once, parked when odd."""

import asyncio
import json
import time
from typing import Any

import pytest
import stripe

from services.payments.commands import webhooks
from services.payments.domain.life import Status
from services.payments.domain.webhook import Outcome, Webhook
from shared.contracts.payments import PaymentCaptured, PaymentFailed
from shared.tasks import Task
from shared.testing.plugin import AsOwner, Published, recorded_in
from tests.sandbox.process import WEBHOOK_SECRET
from tests.sandbox.receiver import Received

from .conftest import PRICE, Till, held

SUCCEEDED = "payment_intent.succeeded"
FAILED = "payment_intent.payment_failed"


def signed(event: dict[str, Any], *, secret: str = WEBHOOK_SECRET, ahead: int = 0) -> Received:
    """An event as the provider would send it, signed for a moment so many seconds ahead."""
    body = json.dumps(event)
    header = stripe.WebhookSignature.generate_signature_header(body, secret, int(time.time()) + ahead)
    return Received(body.encode(), header)


def intent_event(kind: str, event_id: str = "evt_made_up", **intent: Any) -> dict[str, Any]:
    subject: dict[str, Any] = {
        "id": "pi_made_up", "object": "payment_intent", "status": "succeeded", "amount": PRICE, "currency": "usd",
        "amount_received": PRICE, "client_secret": "s", "metadata": {}, "payment_method": "pm_1",
        "latest_charge": "ch_1", "last_payment_error": None,
    }  # fmt: skip
    return {"id": event_id, "object": "event", "type": kind, "data": {"object": subject | intent}}


async def declined(till: Till, intent_id: str) -> None:
    with pytest.raises(stripe.CardError):
        await till.sandbox.confirm(intent_id, "pm_card_chargeDeclined")


async def test_a_payment_that_succeeded_is_captured(till: Till, published: Published) -> None:
    await till.captured()
    payment = await till.payment()
    assert (payment.status, payment.captured_cents) == (Status.CAPTURED, PRICE)
    assert payment.payment_method is not None
    [told] = await published(PaymentCaptured)
    assert (told.booking_id, told.amount_cents, told.commission_cents, told.status) == (1, PRICE, 2_835, "captured")


async def test_the_same_webhook_again_changes_nothing(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    before, events = (await till.payment()).version, await published()
    for _ in range(3):
        await till.hand_on(intent_id, SUCCEEDED)
    assert (await till.payment()).version == before
    assert (await published(), await till.count(Webhook)) == (events, 1)


async def test_the_same_news_under_another_event_changes_nothing(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    events = await published()
    told = json.loads((await till.webhook(intent_id, SUCCEEDED)).body) | {"id": "evt_again"}
    assert (await till.post(signed(told))).status_code == 200
    await till.work()
    assert [hook.outcome for hook in await till.webhooks()] == [Outcome.DONE, Outcome.KNOWN]
    assert await published() == events


async def test_a_declined_card_is_told_and_may_be_followed_by_a_better_one(till: Till, published: Published) -> None:
    intent_id = await till.ready()
    await declined(till, intent_id)
    await till.hand_on(intent_id, FAILED)
    payment = await till.payment()
    assert (payment.status, payment.decline_reason) == (Status.REQUIRES_PAYMENT, "Your card was declined.")
    await till.sandbox.confirm(intent_id)
    await till.hand_on(intent_id, SUCCEEDED)
    payment = await till.payment()
    assert (payment.status, payment.decline_reason) == (Status.CAPTURED, None)
    assert [event.type.split(".")[1] for event in await published()] == ["intent_created", "failed", "captured"]


async def test_in_reverse_they_lead_to_the_same_end(till: Till, published: Published) -> None:
    intent_id = await till.ready()
    await declined(till, intent_id)
    await till.sandbox.confirm(intent_id)
    await till.hand_on(intent_id, SUCCEEDED)
    await till.hand_on(intent_id, FAILED)
    assert (await till.payment()).status is Status.CAPTURED
    assert await published(PaymentFailed) == []


async def test_each_decline_is_told_once(till: Till, published: Published) -> None:
    intent_id = await till.ready()
    for number in range(2):
        await declined(till, intent_id)
        hook = await till.webhook(intent_id, FAILED, number)
        for _ in range(2):
            await till.post(hook)
        await till.post(signed(hook.event | {"id": f"{hook.event['id']}_again"}))
        await till.work()
    assert len(await published(PaymentFailed)) == 2


@pytest.mark.parametrize("position", [0, 20, -3])
async def test_one_byte_changed_is_refused(till: Till, position: int) -> None:
    hook = signed(intent_event(SUCCEEDED))
    body = bytearray(hook.body)
    body[position] ^= 1
    response = await till.post(hook, body=bytes(body))
    assert (response.status_code, response.json()["type"]) == (400, "/problems/bad-signature")
    assert await till.count(Webhook) == 0


@pytest.mark.parametrize(("ahead", "status"), [(-290, 200), (-310, 400), (290, 200), (310, 400), (10**9, 400)])
async def test_its_time_may_be_five_minutes_off_to_either_side(till: Till, ahead: int, status: int) -> None:
    assert (await till.post(signed(intent_event(SUCCEEDED), ahead=ahead))).status_code == status


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1",
        "v1=abc",
        "t=,v1=",
        "t=abc,v1=abc",
        f"t={'9' * 1000},v1=00",
        "t=1,v1=\xe9",
        "nonsense",
        ",,,",
        "t=1e400,v1=",
    ],
)
async def test_a_signature_that_is_none_is_refused(till: Till, signature: str) -> None:
    body = signed(intent_event(SUCCEEDED)).body
    headers = {b"Stripe-Signature": signature.encode("latin-1")}
    response = await till.client.post("/payments/v1/webhooks/stripe", content=body, headers=headers)
    assert (response.status_code, await till.count(Webhook)) == (400, 0)


async def test_without_a_signature_header_it_is_refused(till: Till) -> None:
    assert (await till.client.post("/payments/v1/webhooks/stripe", content=b"{}")).status_code == 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": 1, "type": "x"}', b'{"id":"a","id":"b","type":"x"}', b"\xff"]
)
async def test_a_body_that_is_no_event_is_refused_though_signed(till: Till, body: bytes) -> None:
    header = stripe.WebhookSignature.generate_signature_header(body.decode("latin-1"), WEBHOOK_SECRET)
    response = await till.client.post(
        "/payments/v1/webhooks/stripe", content=body, headers={"Stripe-Signature": header}
    )
    assert (response.status_code, await till.count(Webhook)) == (400, 0)


@pytest.mark.parametrize(("secret", "status"), [("whsec_next", 200), (WEBHOOK_SECRET, 200), ("whsec_old", 400)])
async def test_while_secrets_are_rotated_both_are_good(till: Till, secret: str, status: int) -> None:
    assert (await till.post(signed(intent_event(SUCCEEDED), secret=secret))).status_code == status


async def test_what_we_do_not_act_upon_makes_no_work(till: Till) -> None:
    """A provider tells of every intent that it makes."""
    assert (await till.post(signed(intent_event("payment_intent.created")))).status_code == 200
    [kept] = await till.webhooks()
    assert kept.outcome is Outcome.IGNORED
    assert await till.count(Task) == 0


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ({"id": "evt_1", "type": "customer.created", "data": {"object": {}}}, Outcome.IGNORED),
        ({"id": "evt_1", "type": "v2.something", "object": "v2.core.event"}, Outcome.IGNORED),
        (intent_event(SUCCEEDED), Outcome.FOREIGN),
        (intent_event(SUCCEEDED, metadata={"mdh_reference": "not ours"}), Outcome.FOREIGN),
    ],
)
async def test_what_is_unknown_or_not_ours_is_kept(
    till: Till, published: Published, event: dict[str, Any], outcome: Outcome
) -> None:
    assert (await till.post(signed(event))).status_code == 200
    await till.work()
    [kept] = await till.webhooks()
    assert (kept.outcome, kept.payload) == (outcome, event)
    assert await published() == []


@pytest.mark.parametrize("wrong", [{"amount_received": PRICE - 1}, {"currency": "eur"}])
async def test_another_sum_than_agreed_is_parked(till: Till, published: Published, wrong: dict[str, Any]) -> None:
    intent_id = await till.ready()
    await till.post(signed(intent_event(SUCCEEDED, id=intent_id, **wrong)))
    await till.work()
    payment, [hook] = await till.payment(), await till.webhooks()
    assert (payment.status, hook.outcome) == (Status.REQUIRES_PAYMENT, Outcome.PARKED)
    assert payment.attention is not None
    assert await published(PaymentCaptured) == []


async def test_an_intent_whose_id_we_never_learned_is_known_by_our_reference(till: Till, published: Published) -> None:
    await till.deliver(held())
    payment = await till.payment()
    reference = {"mdh_reference": str(payment.reference)}
    await till.post(signed(intent_event(SUCCEEDED, id="pi_unheard_of", metadata=reference)))
    [hook] = await till.webhooks()
    await webhooks.handle_webhook(till.outside, hook.id)
    await till.work()
    payment = await till.payment()
    assert (payment.status, payment.stripe_payment_intent_id) == (Status.CAPTURED, "pi_unheard_of")
    assert [event.type.split(".")[1] for event in await published()] == ["intent_created", "captured"]


async def test_a_second_intent_that_took_money_is_parked(till: Till) -> None:
    await till.ready()
    reference = {"mdh_reference": str((await till.payment()).reference)}
    await till.post(signed(intent_event(SUCCEEDED, id="pi_second", metadata=reference)))
    await till.work()
    assert "pi_second" in ((await till.payment()).attention or "")


async def test_a_crash_while_handling_leaves_it_to_be_handled(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    intent_id = await till.ready()
    await till.sandbox.confirm(intent_id)
    await till.post(await till.webhook(intent_id, SUCCEEDED))

    def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(Webhook, "settle", crash)
        with pytest.raises(RuntimeError):
            await till.work()
    assert (await till.payment()).status is Status.REQUIRES_PAYMENT
    await till.work()
    assert (await till.payment()).status is Status.CAPTURED


async def _paid_with_copies(till: Till, copies: int) -> None:
    intent_id = await till.ready()
    await till.sandbox.confirm(intent_id)
    hook = await till.webhook(intent_id, SUCCEEDED)
    answers = await asyncio.gather(*(till.post(hook) for _ in range(copies)))
    assert {answer.status_code for answer in answers} == {200}
    await till.work()


async def test_twenty_copies_at_once_are_stored_and_acted_upon_once(fresh_till: Till) -> None:
    await _paid_with_copies(fresh_till, 20)
    assert await fresh_till.count(Webhook) == 1
    assert len(await recorded_in(fresh_till.database, PaymentCaptured)) == 1


async def test_without_the_guard_on_event_ids_copies_pile_up(fresh_till: Till, as_owner: AsOwner) -> None:
    """The negative control. Even then the money counts once: the payment's own state is a second line."""
    await as_owner("alter table webhooks drop constraint uq_webhooks_event_id")
    await _paid_with_copies(fresh_till, 20)
    assert await fresh_till.count(Webhook) == 20
    assert len(await recorded_in(fresh_till.database, PaymentCaptured)) == 1
