"""One payment intent per booking, whatever gets lost on the way."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from sqlalchemy.orm.exc import StaleDataError

from services.payments.commands import intents
from services.payments.domain.life import Status
from services.payments.domain.payment import Payment
from services.payments.domain.provider import Unanswered
from shared.clock import frozen, now
from shared.contracts.payments import IntentCreated, PaymentCaptured, PaymentFailed
from shared.ids import new_id
from shared.testing.plugin import Published

from .conftest import PRICE, Till, cancelled, expired, held

CREATE = "payment_intents.create"


async def test_a_held_booking_gets_an_intent_that_can_be_paid(till: Till, published: Published) -> None:
    await till.hear(held())
    payment = await till.payment()
    assert (payment.status, payment.amount_cents, payment.currency) == (Status.REQUIRES_PAYMENT, PRICE, "USD")
    intent = await till.sandbox.stripe.payment_intents.retrieve_async(await till.intent_id())
    assert (intent.amount, intent.currency, intent.client_secret) == (PRICE, "usd", payment.client_secret)
    [told] = await published(IntentCreated)
    assert (told.payment_id, told.booking_id, told.version) == (payment.id, 1, payment.version)


async def test_heard_twice_and_late_it_stays_one_intent(till: Till, published: Published) -> None:
    event_id = new_id()
    await till.deliver(held(), event_id)
    await till.deliver(held(), event_id)
    await till.work()
    await till.hear(held(), held(version=5))
    assert await till.intents_of(await till.payment()) == [await till.intent_id()]
    assert await till.count(Payment) == len(await published()) == 1


async def test_creating_an_intent_takes_six_statements(
    till: Till, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    """The inbox, the payment, the task; reading the payment, storing the intent, telling of it."""
    with statements() as sent:
        await till.deliver(held())
    first = len(sent)
    payment = await till.payment()
    with statements() as sent:
        await intents.create_intent(till.outside, payment.id)
    assert first + len(sent) <= 6, sent


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(till: Till) -> None:
    await till.sandbox.break_next(CREATE, "drop", times=2)
    await till.deliver(held())
    for _ in range(2):
        with pytest.raises(Unanswered):
            await till.work()
    await till.work()
    assert await till.intents_of(await till.payment()) == [await till.intent_id()]


@pytest.mark.parametrize("mode", ["429", "500"])
async def test_a_provider_in_trouble_is_asked_again(till: Till, mode: str) -> None:
    await till.sandbox.break_next(CREATE, mode)
    await till.deliver(held())
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    assert (await till.payment()).attempt == 1


async def test_a_crash_between_answer_and_store_leads_to_the_same_intent(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    await till.deliver(held())
    with monkeypatch.context() as patched:
        patched.setattr(intents, "_keep", crash)
        with pytest.raises(KeyboardInterrupt):
            await till.work()
    assert (await till.payment()).status is Status.PENDING
    await till.work()
    assert await till.intents_of(await till.payment()) == [await till.intent_id()]


@pytest.mark.parametrize(("effect", "attempts"), [(True, 1), (False, 2)])
async def test_a_failure_kept_under_the_key_is_looked_up(till: Till, effect: bool, attempts: int) -> None:
    """The provider repeats its own 500 for a day. Only when nothing came of the call, a new attempt is made."""
    await till.sandbox.break_next(CREATE, "500-stored", effect=effect)
    await till.deliver(held())
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    payment = await till.payment()
    assert (payment.status, payment.attempt) == (Status.REQUIRES_PAYMENT, attempts)
    assert await till.intents_of(payment) == [payment.stripe_payment_intent_id]


@pytest.mark.parametrize(("effect", "attempts"), [(True, 1), (False, 2)])
async def test_after_a_day_keys_are_not_trusted_and_the_call_is_looked_up(
    till: Till, effect: bool, attempts: int
) -> None:
    await till.sandbox.break_next(CREATE, "drop", effect=effect)
    await till.deliver(held())
    with pytest.raises(Unanswered):
        await till.work()
    await till.sandbox.control("PUT", "clock", offset_seconds=25 * 3600)
    with frozen(now() + timedelta(hours=25)):
        await till.work()
    payment = await till.payment()
    assert (payment.status, payment.attempt) == (Status.REQUIRES_PAYMENT, attempts)
    assert await till.intents_of(payment) == [payment.stripe_payment_intent_id]


async def test_without_the_look_up_an_old_key_makes_a_second_intent(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: trust keys for ever, and the provider, which does not, makes another."""
    monkeypatch.setattr(Payment, "key_holds", lambda *_: True)
    await till.sandbox.break_next(CREATE, "drop")
    await till.deliver(held())
    with pytest.raises(Unanswered):
        await till.work()
    await till.sandbox.control("PUT", "clock", offset_seconds=25 * 3600)
    await till.work()
    assert len(await till.intents_of(await till.payment())) == 2


async def test_what_the_provider_will_not_take_fails_for_good(till: Till, published: Published) -> None:
    await till.hear(held(price_cents=10, commission_cents=1))
    payment = await till.payment()
    assert (payment.status, await till.waiting()) == (Status.FAILED, [])
    [failed] = await published(PaymentFailed)
    assert failed.reason == payment.decline_reason != ""
    await till.hear(expired())
    assert (await till.payment()).status is Status.CANCELLED


async def test_what_costs_nothing_is_paid_at_once(till: Till, published: Published) -> None:
    await till.hear(held(price_cents=0, commission_cents=0))
    [captured] = await published()
    assert isinstance(captured, PaymentCaptured)
    assert (captured.status, captured.amount_cents, await till.waiting()) == ("captured", 0, [])


@pytest.mark.parametrize("end", [cancelled(version=2), expired(version=2)])
async def test_a_booking_gone_before_it_was_heard_of_never_gets_an_intent(
    till: Till, published: Published, end: object
) -> None:
    await till.hear(end, held(), held(version=1), end)  # type: ignore[arg-type]
    payment = await till.payment()
    assert (payment.status, payment.stripe_payment_intent_id) == (Status.CANCELLED, None)
    assert await till.intents_of(payment) == await published() == []


async def test_a_booking_gone_while_its_intent_is_made_leaves_none_open(till: Till, published: Published) -> None:
    await till.deliver(held())
    await till.hear(cancelled())
    assert (await till.payment()).status is Status.CANCELLED
    intent = await till.sandbox.stripe.payment_intents.retrieve_async(await till.intent_id())
    assert (intent.status, await published()) == ("canceled", [])


async def test_a_cancellation_between_call_and_store_is_not_overwritten(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = intents._keep

    async def cancelled_meanwhile(*told: object) -> None:
        await till.deliver(cancelled())
        await keep(*told)  # type: ignore[arg-type]

    await till.deliver(held())
    with monkeypatch.context() as patched:
        patched.setattr(intents, "_keep", cancelled_meanwhile)
        with pytest.raises(StaleDataError):
            await till.work()
    await till.work()
    assert (await till.payment()).status is Status.CANCELLED
    assert (await till.sandbox.stripe.payment_intents.retrieve_async(await till.intent_id())).status == "canceled"
