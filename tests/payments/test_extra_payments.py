"""Several payments of one booking: each because of one fact, called off and sent back together."""

import asyncio
from itertools import permutations

import pytest
from sqlalchemy.exc import IntegrityError

from services.payments.commands import intents, ledger
from services.payments.domain.booking import part_of
from services.payments.domain.life import Purpose, Status
from services.payments.domain.payment import InDispute, OverRefund, Payment
from services.payments.domain.provider import Unanswered
from services.payments.domain.spreading import spread
from shared.contracts.booking import BookingEvent
from shared.contracts.payments import IntentCreated, PaymentCaptured
from shared.testing.plugin import Published
from shared.testing.tokens import customer, member

from .conftest import (
    AFFILIATE,
    CUSTOMER,
    PRICE,
    As,
    Till,
    cancelled,
    charge_called_off,
    charge_due,
    expired,
    held,
    missed,
    refund_due,
)

EXTRA = 5_000


async def faults(till: Till) -> list[str]:
    async with till.database.begin() as session:
        return await ledger.faults(session)


async def both_captured(till: Till) -> tuple[str, str]:
    """The intents of a booking's first payment and of an extra one, both paid."""
    first = await till.captured()
    await till.hear(charge_due())
    return first, await till.pay(await till.intent_id(purpose=Purpose.EXTRA))


async def gone_back(till: Till, *intent_ids: str) -> list[int]:
    return [(await till.sandbox.totals(intent_id))["refunded"] for intent_id in intent_ids]


async def test_more_to_pay_is_a_payment_of_its_own(till: Till, published: Published) -> None:
    await both_captured(till)
    extra = await till.payment(purpose=Purpose.EXTRA)
    assert (extra.amount_cents, extra.captured_cents, extra.status) == (EXTRA, EXTRA, Status.CAPTURED)
    assert extra.cause == "booking:1:3"
    assert extra.commission_cents == 2_835 * EXTRA // (PRICE + EXTRA)
    told = [(event.purpose, event.cause, event.amount_cents) for event in await published(PaymentCaptured)]
    assert told == [("booking", "booking:1", PRICE), ("extra", "booking:1:3", EXTRA)]
    assert await faults(till) == []


async def test_heard_twice_it_is_asked_for_once_and_another_time_is_another(till: Till, published: Published) -> None:
    await till.ready()
    await till.hear(charge_due(), charge_due(), charge_due(version=4, charge_cents=700), charge_due())
    extras = [payment.amount_cents for payment in await till.payments() if payment.purpose is Purpose.EXTRA]
    assert extras == [EXTRA, 700]
    assert len(await published(IntentCreated)) == 3


@pytest.mark.parametrize("end", [cancelled(version=4), missed(version=4)])
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_in_any_order_nothing_is_asked_of_a_booking_that_is_gone(
    till: Till, order: tuple[int, ...], end: BookingEvent
) -> None:
    events: list[BookingEvent] = [held(), charge_due(), end]
    await till.hear(*[events[i] for i in order])
    payments = await till.payments()
    assert {payment.status for payment in payments} == {Status.CANCELLED}
    for payment in payments:
        if payment.stripe_payment_intent_id:
            intent = await till.sandbox.stripe.payment_intents.retrieve_async(payment.stripe_payment_intent_id)
            assert intent.status == "canceled"


async def test_an_older_end_does_not_forbid_what_is_due_now(till: Till) -> None:
    """A booking that ran out and was paid all the same stands."""
    await till.captured()
    await till.hear(charge_due(version=4), expired(version=2))
    assert (await till.payment(purpose=Purpose.EXTRA)).status is Status.REQUIRES_PAYMENT


@pytest.mark.parametrize(
    "end", [cancelled(version=4, refund_cents=PRICE - 1_000), missed(version=4, refund_cents=PRICE - 1_000)]
)
async def test_an_open_extra_is_called_off_and_what_was_taken_goes_back(till: Till, end: BookingEvent) -> None:
    """Less the fee, if there is one."""
    first = await till.captured()
    await till.hear(charge_due(), end, end)
    extra = await till.payment(purpose=Purpose.EXTRA)
    assert (extra.status, await gone_back(till, first)) == (Status.CANCELLED, [PRICE - 1_000])
    assert await faults(till) == []


@pytest.mark.parametrize(
    ("due", "back"),
    [
        (cancelled(version=6, refund_cents=EXTRA), [0, EXTRA]),
        (cancelled(version=6, refund_cents=EXTRA + 1), [1, EXTRA]),
        (missed(version=6, refund_cents=EXTRA + 1), [1, EXTRA]),
        (cancelled(version=6, refund_cents=PRICE + EXTRA), [PRICE, EXTRA]),
        (cancelled(version=6, refund_cents=100), [0, 100]),
    ],
)
async def test_a_refund_is_spread_newest_first(till: Till, due: BookingEvent, back: list[int]) -> None:
    both = await both_captured(till)
    await till.hear(due, due)
    assert await gone_back(till, *both) == back
    assert await faults(till) == []


async def test_two_facts_never_send_back_more_than_came(till: Till) -> None:
    both = await both_captured(till)
    await till.hear(cancelled(version=6, refund_cents=PRICE), refund_due(version=7, refund_cents=EXTRA))
    with pytest.raises(OverRefund):
        await till.deliver(refund_due(version=8, refund_cents=1))
    assert await gone_back(till, *both) == [PRICE, EXTRA]


async def test_two_refunds_at_once_over_several_payments(fresh_till: Till) -> None:
    both = await both_captured(fresh_till)
    due = [fresh_till.deliver(refund_due(version=version, refund_cents=PRICE)) for version in (6, 7)]
    results = await asyncio.gather(*due, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "OverRefund"]
    await fresh_till.work()
    assert sum(await gone_back(fresh_till, *both)) == PRICE


async def test_an_extra_and_the_end_at_once_leave_nothing_open(fresh_till: Till) -> None:
    await fresh_till.captured()
    await asyncio.gather(fresh_till.deliver(charge_due()), fresh_till.deliver(cancelled(version=4)))
    await fresh_till.work()
    assert {payment.status for payment in await fresh_till.payments()} <= {Status.CAPTURED, Status.CANCELLED}


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_what_is_called_off_is_not_asked_for_in_whatever_order_it_is_heard(
    till: Till, order: tuple[int, ...]
) -> None:
    """Moved to a dearer time, to one that costs less than that, and more asked for instead."""
    await till.captured()
    anew = charge_due(version=6, charge_cents=700)
    events: list[BookingEvent] = [charge_due(), charge_called_off(version=5, price_cents=PRICE + 700), anew]
    await till.hear(*[events[i] for i in order], charge_due(), anew)
    open_extras = [p.amount_cents for p in await till.payments() if p.status is Status.REQUIRES_PAYMENT]
    assert open_extras == [700]


async def test_what_is_called_off_can_be_paid_no_more_and_what_was_paid_stays(till: Till) -> None:
    _, paid = await both_captured(till)
    await till.hear(charge_due(version=4, charge_cents=700, price_cents=PRICE + EXTRA + 700))
    await till.hear(charge_called_off(price_cents=PRICE + EXTRA))
    first, second = [payment for payment in await till.payments() if payment.purpose is Purpose.EXTRA]
    assert (first.status, second.status) == (Status.CAPTURED, Status.CANCELLED)
    intent = await till.sandbox.stripe.payment_intents.retrieve_async(str(second.stripe_payment_intent_id))
    assert (intent.status, await gone_back(till, paid)) == ("canceled", [0])
    assert await faults(till) == []


async def test_paid_while_it_is_called_off_it_counts(till: Till, published: Published) -> None:
    """Booking hears of it, and says that it goes back."""
    await till.captured()
    await till.hear(charge_due())
    extra = await till.intent_id(purpose=Purpose.EXTRA)
    await till.deliver(charge_called_off(price_cents=PRICE))
    await till.pay(extra)
    await till.work()
    assert (await till.payment(purpose=Purpose.EXTRA)).status is Status.CAPTURED
    assert len(await published(PaymentCaptured)) == 2
    await till.hear(refund_due(version=7, refund_cents=EXTRA))
    assert await gone_back(till, extra) == [EXTRA]


async def test_a_lost_answer_leads_to_one_intent(till: Till) -> None:
    await till.captured()
    await till.sandbox.break_next("payment_intents.create", "drop")
    await till.deliver(charge_due())
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    extra = await till.payment(purpose=Purpose.EXTRA)
    assert await till.intents_of(extra) == [extra.stripe_payment_intent_id]


async def test_a_crash_between_answer_and_store_leads_to_the_same_intent(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    await till.captured()
    await till.deliver(charge_due())
    with monkeypatch.context() as patched:
        patched.setattr(intents, "_keep", crash)
        with pytest.raises(KeyboardInterrupt):
            await till.work()
    await till.work()
    extra = await till.payment(purpose=Purpose.EXTRA)
    assert await till.intents_of(extra) == [extra.stripe_payment_intent_id]


async def test_the_database_has_one_payment_that_confirms(till: Till) -> None:
    await till.captured()
    second = taken(100)
    second.cause = "another"
    with pytest.raises(IntegrityError, match="uq_payments_booking"):
        async with till.database.begin() as session:
            session.add(second)


async def test_who_asks_for_a_bookings_payment_gets_the_one_to_be_paid(till: Till, as_: As) -> None:
    async def asked() -> tuple[str, str]:
        found = await till.client.get("/payments/v1/payments?booking_id=1", headers=as_(customer(CUSTOMER)))
        return found.json()["purpose"], found.json()["status"]

    await till.captured()
    assert await asked() == ("booking", "captured")
    await till.hear(charge_due(), charge_due(version=4, charge_cents=700))
    assert await asked() == ("extra", "requires_payment")
    first, second = [payment for payment in await till.payments() if payment.purpose is Purpose.EXTRA]
    await till.pay(str(first.stripe_payment_intent_id))
    await till.pay(str(second.stripe_payment_intent_id))
    assert await asked() == ("extra", "captured")


async def test_all_payments_of_a_booking_to_each_as_they_may_see_them(till: Till, as_: As) -> None:
    await till.captured()
    await till.hear(charge_due())
    path = "/payments/v1/bookings/1/payments"
    mine = (await till.client.get(path, headers=as_(customer(CUSTOMER)))).json()["items"]
    assert [(one["purpose"], one["client_secret"] is None) for one in mine] == [("booking", True), ("extra", False)]
    theirs = (await till.client.get(path, headers=as_(member(AFFILIATE)))).json()["items"]
    assert [one["client_secret"] for one in theirs] == [None, None]
    assert (await till.client.get(path, headers=as_(customer(CUSTOMER + 1)))).status_code == 404


def taken(captured: int, due: int = 0, disputed: int = 0) -> Payment:
    payment = Payment(
        booking_id=1, customer_id=7, affiliate_id=31, amount_cents=captured, commission_cents=0, tax_cents=0,
        currency="USD", status=Status.CAPTURED, captured_cents=captured, refunds_due_cents=due, **Payment.intended(),
    )  # fmt: skip
    payment.disputed_cents = disputed
    return payment


@pytest.mark.parametrize(
    ("cents", "payments", "parts"),
    [
        (10, [taken(10)], [10]),
        (10, [taken(4), taken(10)], [4, 6]),
        (10, [taken(4, due=4), taken(10)], [0, 10]),
        (10, [taken(4, disputed=4), taken(10)], [0, 10]),
        (10, [taken(4), taken(5)], OverRefund),
        (10, [taken(4, due=1), taken(6)], OverRefund),
        (10, [taken(4, disputed=1), taken(6)], InDispute),
        (1, [], OverRefund),
    ],
)
def test_how_a_refund_is_spread(cents: int, payments: list[Payment], parts: list[int] | type[Exception]) -> None:
    if isinstance(parts, list):
        spread_out = spread(cents, payments)
        assert [sum(part for of, part in spread_out if of is payment) for payment in payments] == parts
    else:
        with pytest.raises(parts):
            spread(cents, payments)


@pytest.mark.parametrize(
    ("whole", "cents", "price", "part"), [(300, 50, 100, 50), (15, 50, 100, 7), (0, 5, 100, 0), (5, 0, 0, 0)]
)
def test_what_of_the_commission_falls_on_a_part(whole: int, cents: int, price: int, part: int) -> None:
    assert part_of(whole, cents, price) == part
