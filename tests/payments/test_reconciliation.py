"""What webhooks never told is found by asking."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.payments.domain.life import Status
from services.payments.domain.payment import Payment
from services.payments.domain.refund import Refund, RefundStatus
from services.payments.jobs import ask_about_open_payments
from shared.clock import now
from shared.contracts.payments import PaymentCaptured, PaymentFailed, PaymentRefunded
from shared.testing.plugin import Published

from .conftest import Till, expired, refund_due
from .test_webhooks import declined

LONG_AGO = timedelta(minutes=10)


async def run_job(till: Till) -> list[str]:
    """The calls that one run asks for."""
    async with till.database.begin() as session:
        await ask_about_open_payments(session)
    return await till.waiting()


async def make_quiet(till: Till, table: type[Any] = Payment, **values: Any) -> None:
    column = "checked_at" if table is Payment else "updated_at"
    async with till.database.begin() as session:
        await session.execute(update(table).values({column: now() - LONG_AGO} | values))


async def test_a_payment_whose_webhook_never_came_is_captured(till: Till, published: Published) -> None:
    intent_id = await till.ready()
    await till.sandbox.confirm(intent_id)
    assert await run_job(till) == []
    await make_quiet(till)
    before = (await till.payment()).updated_at
    assert await run_job(till) == ["check_intent"]
    assert ((await till.payment()).updated_at, await run_job(till)) == (before, ["check_intent"])
    await till.work()
    assert (await till.payment()).status is Status.CAPTURED
    await till.hand_on(intent_id, "payment_intent.succeeded")
    assert len(await published(PaymentCaptured)) == 1


async def test_a_decline_is_told_once_however_often_we_ask(till: Till, published: Published) -> None:
    intent_id = await till.ready()
    await declined(till, intent_id)
    for _ in range(2):
        await make_quiet(till)
        await run_job(till)
        await till.work()
    await till.hand_on(intent_id, "payment_intent.payment_failed")
    assert len(await published(PaymentFailed)) == 1


async def test_one_that_should_be_gone_is_cancelled_again(till: Till) -> None:
    """Even if the call that was to do it has been given up."""
    intent_id = await till.ready()
    await till.deliver(expired())
    await make_quiet(till)
    await run_job(till)
    await till.work()
    assert (await till.payment()).status is Status.CANCELLED
    assert (await till.sandbox.stripe.payment_intents.retrieve_async(intent_id)).status == "canceled"


async def test_a_provider_that_does_not_answer_is_asked_at_the_next_run(till: Till) -> None:
    await till.ready()
    await make_quiet(till)
    await run_job(till)
    await till.sandbox.break_next("payment_intents.retrieve", "drop")
    await till.work()
    assert ((await till.payment()).status, await till.waiting()) == (Status.REQUIRES_PAYMENT, [])


@pytest.mark.parametrize("values", [{"attention": "look"}, {"status": Status.CANCELLED}])
async def test_what_is_closed_or_waits_for_a_person_is_left_alone(till: Till, values: dict[str, Any]) -> None:
    await till.ready()
    await make_quiet(till, **values)
    assert await run_job(till) == []


async def test_a_refund_whose_confirmation_never_came_is_found(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    await till.hear(refund_due())
    sent = {"status": RefundStatus.SENT, "stripe_refund_id": None}
    await make_quiet(till, Refund, **sent)
    async with till.database.begin() as session:
        await session.execute(update(Payment).values(refunded_cents=0, status=Status.CAPTURED))
    assert await run_job(till) == ["check_refunds"]
    await till.work()
    payment = await till.payment()
    assert payment.refunded_cents == (await till.sandbox.totals(intent_id))["refunded"]
    assert len(await published(PaymentRefunded)) == 2  # the one that was made unheard, and the one of the look-up
