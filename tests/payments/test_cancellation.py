"""A booking that goes away while its money comes: never both, never neither."""

import asyncio

import pytest
import stripe

from services.payments.commands import intents
from services.payments.domain.life import Status
from services.payments.domain.provider import Unanswered
from shared.contracts.booking import BookingEvent
from shared.contracts.payments import PaymentCaptured, PaymentRefunded
from shared.testing.plugin import Published, recorded_in

from .conftest import PRICE, Till, cancelled, expired, held, missed, refund_due

SUCCEEDED = "payment_intent.succeeded"
GONE = [
    pytest.param(expired(), id="expired"),
    pytest.param(cancelled(), id="cancelled"),
    pytest.param(missed(), id="missed"),
]


@pytest.mark.parametrize("gone", GONE)
async def test_an_intent_of_a_booking_that_is_gone_cannot_be_paid(till: Till, gone: BookingEvent) -> None:
    intent_id = await till.ready()
    await till.hear(gone)
    assert (await till.payment()).status is Status.CANCELLED
    with pytest.raises(stripe.InvalidRequestError):
        await till.sandbox.confirm(intent_id)
    await till.hear(gone, held(version=9), cancelled(version=10))
    await till.hand_on(intent_id, "payment_intent.canceled")
    assert (await till.payment()).status is Status.CANCELLED


@pytest.mark.parametrize("gone", GONE)
async def test_paid_before_the_intent_was_cancelled_counts(
    till: Till, published: Published, gone: BookingEvent
) -> None:
    """The provider answers the cancellation with the money: booking hears of it, and says what becomes of it."""
    intent_id = await till.ready()
    await till.sandbox.confirm(intent_id)
    await till.hear(gone)
    assert (await till.payment()).status is Status.CAPTURED
    await till.hand_on(intent_id, SUCCEEDED)
    assert len(await published(PaymentCaptured)) == 1
    await till.hear(refund_due())
    assert (await till.payment()).status is Status.REFUNDED
    assert (await till.sandbox.totals(intent_id))["net"] == 0


@pytest.mark.parametrize("gone", GONE)
async def test_heard_of_the_money_before_the_booking_went(till: Till, published: Published, gone: BookingEvent) -> None:
    intent_id = await till.captured()
    await till.hear(gone)
    assert ((await till.payment()).status, await till.waiting()) == (Status.CAPTURED, [])
    await till.hear(cancelled(version=4, refund_cents=PRICE))
    assert [event.type.split(".")[1] for event in await published()] == ["intent_created", "captured", "refunded"]
    assert (await till.sandbox.totals(intent_id))["net"] == 0


async def test_a_lost_answer_to_the_cancellation_is_asked_for_again(till: Till) -> None:
    await till.ready()
    await till.sandbox.break_next("payment_intents.cancel", "drop")
    await till.deliver(expired())
    with pytest.raises(Unanswered):
        await till.work()
    assert (await till.payment()).status is Status.CANCELLING
    await till.work()
    assert (await till.payment()).status is Status.CANCELLED


async def test_the_webhook_of_the_money_wins_over_a_cancellation_under_way(till: Till, published: Published) -> None:
    intent_id = await till.ready()
    await till.sandbox.confirm(intent_id)
    await till.deliver(expired())
    await till.post(await till.webhook(intent_id, SUCCEEDED))
    await till.work()
    assert ((await till.payment()).status, len(await published(PaymentCaptured))) == (Status.CAPTURED, 1)


async def test_paying_and_cancelling_at_once_ends_in_one_of_both(fresh_till: Till) -> None:
    """Many rounds: whoever comes first at the provider, our books say the same as its ledger."""
    till = fresh_till

    async def pay(intent_id: str) -> None:
        try:
            await till.sandbox.confirm(intent_id)
        except stripe.InvalidRequestError:
            return
        await till.post(await till.webhook(intent_id, SUCCEEDED))

    async def cancel(booking_id: int) -> None:
        await till.deliver(expired(booking_id))
        await intents.cancel_intent(till.outside, (await till.payment(booking_id)).id)

    for booking_id in range(1, 11):
        intent_id = await till.ready(booking_id)
        await asyncio.gather(pay(intent_id), cancel(booking_id))
        await till.work()
        payment, totals = await till.payment(booking_id), await till.sandbox.totals(intent_id)
        assert payment.status in (Status.CAPTURED, Status.CANCELLED)
        assert payment.captured_cents == totals["net"]
    assert await recorded_in(till.database, PaymentRefunded) == []
