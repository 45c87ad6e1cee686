"""Money back: once per reason, never more than came, whatever gets lost on the way."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from services.payments.commands import refunds
from services.payments.commands.webhooks import handle_webhook
from services.payments.domain.life import Status
from services.payments.domain.payment import NotYetCaptured, OverRefund, Payment
from services.payments.domain.provider import Unanswered
from services.payments.domain.refund import RefundStatus
from services.payments.domain.webhook import Outcome
from shared.clock import frozen, now
from shared.contracts.payments import PaymentRefunded
from shared.ids import new_id
from shared.testing.plugin import AsOwner, Published, recorded_in

from .conftest import PRICE, Till, cancelled, expired, held, refund_due
from .test_webhooks import signed

CREATE = "refunds.create"


async def gone_back(till: Till, intent_id: str) -> int:
    """Cents, by the provider's own ledger."""
    refunded: int = (await till.sandbox.totals(intent_id))["refunded"]
    return refunded


@pytest.mark.parametrize(("cents", "status"), [(PRICE, Status.REFUNDED), (5_000, Status.CAPTURED)])
async def test_a_cancelled_booking_gets_its_money_back(
    till: Till, published: Published, cents: int, status: Status
) -> None:
    intent_id = await till.captured()
    await till.hear(cancelled(refund_cents=cents))
    payment = await till.payment()
    assert (payment.status, payment.refunded_cents, await gone_back(till, intent_id)) == (status, cents, cents)
    [told] = await published(PaymentRefunded)
    assert (told.refund_cents, told.refunded_cents, told.booking_id) == (cents, cents, 1)


async def test_nothing_due_means_nothing_goes_back(till: Till) -> None:
    intent_id = await till.captured()
    await till.hear(cancelled(refund_cents=0))
    assert ((await till.payment()).status, await gone_back(till, intent_id)) == (Status.CAPTURED, 0)


async def test_heard_twice_it_goes_back_once(till: Till, published: Published) -> None:
    intent_id, event_id = await till.captured(), new_id()
    for _ in range(2):
        await till.deliver(refund_due(refund_cents=5_000), event_id)
    await till.hear(refund_due(refund_cents=5_000), refund_due(refund_cents=5_000))
    assert await gone_back(till, intent_id) == 5_000
    assert len(await till.refunds()) == len(await published(PaymentRefunded)) == 1


async def test_two_reasons_are_two_refunds(till: Till) -> None:
    intent_id = await till.captured()
    await till.hear(refund_due(version=5, refund_cents=1_000), refund_due(version=4, refund_cents=2_000))
    assert await gone_back(till, intent_id) == (await till.payment()).refunded_cents == 3_000


async def test_more_than_came_never_goes_back(till: Till) -> None:
    intent_id = await till.captured()
    await till.hear(refund_due(refund_cents=10_000))
    with pytest.raises(OverRefund):
        await till.deliver(refund_due(version=5, refund_cents=PRICE - 9_999))
    await till.hear(refund_due(version=6, refund_cents=PRICE - 10_000))
    assert (await gone_back(till, intent_id), (await till.payment()).status) == (PRICE, Status.REFUNDED)


async def test_before_we_know_of_the_money_it_waits(till: Till) -> None:
    """Refused for now, not for good: the platform brings the event again."""
    with pytest.raises(NotYetCaptured):
        await till.deliver(refund_due())
    intent_id, due = await till.ready(), refund_due()
    with pytest.raises(NotYetCaptured):
        await till.deliver(due)
    assert await till.refunds() == []
    await till.sandbox.confirm(intent_id)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    await till.hear(due)
    assert await gone_back(till, intent_id) == PRICE


async def test_in_reverse_and_late_everything_ends_the_same(till: Till) -> None:
    intent_id = await till.captured()
    await till.hear(refund_due(version=4), cancelled(version=3), expired(version=2), held(version=1))
    assert ((await till.payment()).status, await gone_back(till, intent_id)) == (Status.REFUNDED, PRICE)


@pytest.mark.parametrize("mode", ["drop", "500", "429"])
async def test_a_lost_answer_does_not_send_it_twice(till: Till, mode: str) -> None:
    intent_id = await till.captured()
    await till.sandbox.break_next(CREATE, mode)
    await till.deliver(refund_due(refund_cents=5_000))
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    assert await gone_back(till, intent_id) == (await till.payment()).refunded_cents == 5_000


@pytest.mark.parametrize(("effect", "attempts"), [(True, 1), (False, 2)])
async def test_a_failure_kept_under_the_key_is_looked_up(till: Till, effect: bool, attempts: int) -> None:
    intent_id = await till.captured()
    await till.sandbox.break_next(CREATE, "500-stored", effect=effect)
    await till.deliver(refund_due(refund_cents=5_000))
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    [refund] = await till.refunds()
    assert (refund.attempt, refund.status) == (attempts, RefundStatus.SUCCEEDED)
    assert await gone_back(till, intent_id) == 5_000


@pytest.mark.parametrize("effect", [True, False])
async def test_after_a_day_it_is_looked_up_first(till: Till, effect: bool) -> None:
    intent_id = await till.captured()
    await till.sandbox.break_next(CREATE, "drop", effect=effect)
    await till.deliver(refund_due(refund_cents=5_000))
    with pytest.raises(Unanswered):
        await till.work()
    await till.sandbox.control("PUT", "clock", offset_seconds=25 * 3600)
    with frozen(now() + timedelta(hours=25)):
        await till.work()
    assert await gone_back(till, intent_id) == (await till.payment()).refunded_cents == 5_000


async def test_the_webhook_may_be_faster_than_the_answer(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    await till.sandbox.break_next(CREATE, "drop")
    await till.deliver(refund_due())
    with pytest.raises(Unanswered):
        await till.work()
    told = await till.webhook(intent_id, "refund.created")
    await till.post(told)
    await till.work()
    for kind in ("charge.refunded", "refund.created"):
        await till.hand_on(intent_id, kind)
    assert len(await published(PaymentRefunded)) == 1
    assert (await till.payment()).refunded_cents == await gone_back(till, intent_id) == PRICE
    assert await till.waiting() == []


async def test_a_refund_made_elsewhere_calls_a_person(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    await till.sandbox.stripe.refunds.create_async({"payment_intent": intent_id, "amount": 100})
    await till.hand_on(intent_id, "refund.created")
    await till.hand_on(intent_id, "charge.refunded")
    assert [hook.outcome for hook in await till.webhooks()][1:] == [Outcome.FOREIGN, Outcome.DONE]
    assert "not made by us" in ((await till.payment()).attention or "")
    assert await published(PaymentRefunded) == []


async def test_what_the_provider_refuses_to_send_back_calls_a_person(till: Till) -> None:
    intent_id = await till.captured()
    await till.sandbox.stripe.refunds.create_async({"payment_intent": intent_id})
    await till.hear(refund_due())
    payment, [refund] = await till.payment(), await till.refunds()
    assert (refund.status, payment.refunds_due_cents, payment.refunded_cents) == (RefundStatus.FAILED, 0, 0)
    assert "refuses" in (payment.attention or "")


async def test_a_refund_that_takes_its_time_is_confirmed_by_webhook(till: Till, published: Published) -> None:
    """The sandbox's refunds succeed at once, so its answer is made to look like one that does not."""
    intent_id = await till.captured()
    await till.sandbox.break_next(CREATE, "drop")
    await till.deliver(refund_due())
    with pytest.raises(Unanswered):
        await till.work()
    real = (await till.webhook(intent_id, "refund.created")).event
    for status, outcome in (("pending", Outcome.DONE), ("succeeded", Outcome.DONE), ("pending", Outcome.KNOWN)):
        subject = real["data"]["object"] | {"status": status}
        event = real | {"id": f"evt_{new_id()}", "type": "refund.updated", "data": {"object": subject}}
        await till.post(signed(event))
        hook = (await till.webhooks())[-1]
        await handle_webhook(till.outside, hook.id)
        assert (await till.webhooks())[-1].outcome is outcome
    assert len(await published(PaymentRefunded)) == 1


@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_a_refund_that_fails_is_ours_to_send_again(till: Till, status: str) -> None:
    intent_id = await till.captured()
    await till.sandbox.break_next(CREATE, "drop")
    await till.deliver(refund_due())
    with pytest.raises(Unanswered):
        await till.work()
    real = (await till.webhook(intent_id, "refund.created")).event
    event = real | {"type": "refund.failed", "data": {"object": real["data"]["object"] | {"status": status}}}
    await till.post(signed(event))
    await handle_webhook(till.outside, (await till.webhooks())[-1].id)
    payment, [refund] = await till.payment(), await till.refunds()
    assert (refund.status, payment.refunds_due_cents, payment.status) == (RefundStatus.FAILED, 0, Status.CAPTURED)
    assert payment.attention is not None


async def _two_at_once(till: Till) -> list[BaseException | None]:
    events = [refund_due(version=4), refund_due(version=5)]
    return await asyncio.gather(*(till.deliver(event) for event in events), return_exceptions=True)


async def test_two_refunds_at_once_send_the_money_back_once(fresh_till: Till) -> None:
    intent_id = await fresh_till.captured()
    results = await _two_at_once(fresh_till)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "OverRefund"]
    await asyncio.gather(fresh_till.work(), fresh_till.work())
    assert await gone_back(fresh_till, intent_id) == PRICE
    assert len(await recorded_in(fresh_till.database, PaymentRefunded)) == 1


async def test_one_refund_sent_by_two_workers_at_once_goes_once(fresh_till: Till) -> None:
    intent_id = await fresh_till.captured()
    await fresh_till.deliver(refund_due(refund_cents=5_000))
    [refund] = await fresh_till.refunds()
    calls = (refunds.send_refund(fresh_till.outside, refund.id) for _ in range(5))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} <= {type(None), Unanswered}
    await fresh_till.work()
    assert await gone_back(fresh_till, intent_id) == 5_000
    assert len(await recorded_in(fresh_till.database, PaymentRefunded)) == 1


async def test_without_the_rule_the_database_still_refuses(fresh_till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the first guard: the second, a constraint, holds by itself."""

    def owe_anything(payment: Payment, cents: int) -> None:
        payment.refunds_due_cents += cents
        payment.version += 1

    await fresh_till.captured()
    monkeypatch.setattr(Payment, "owe", owe_anything)
    results = await _two_at_once(fresh_till)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "OverRefund"]


async def test_without_rule_and_constraint_too_much_is_owed(
    fresh_till: Till, monkeypatch: pytest.MonkeyPatch, as_owner: AsOwner
) -> None:
    """The negative control of both."""
    await fresh_till.captured()
    monkeypatch.setattr(Payment, "owe", lambda payment, cents: setattr(payment, "version", payment.version + 1))
    await as_owner("alter table payments drop constraint ck_payments_refunds")
    assert await _two_at_once(fresh_till) == [None, None]
    assert sum(refund.amount_cents for refund in await fresh_till.refunds()) > PRICE


@pytest.mark.parametrize(
    "values", [{"refunded_cents": 1}, {"refunds_due_cents": PRICE + 1}, {"refunds_due_cents": -1, "refunded_cents": -1}]
)
async def test_no_row_says_that_more_went_back_than_came(till: Till, values: dict[str, int]) -> None:
    await till.captured()
    with pytest.raises(IntegrityError, match="ck_payments_refunds"):
        async with till.database.begin() as session:
            await session.execute(update(Payment).values(**values))
