"""Tips: once the job is done, by its customer, within bounds, and all of it the affiliate's."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.payments.commands import ledger
from services.payments.commands.invoices import issue_papers
from services.payments.commands.settlement import settle_intent
from services.payments.domain.booking import Booking
from services.payments.domain.ledger import Account, Posting
from services.payments.domain.life import Purpose, Status
from services.payments.domain.payment import Payment
from services.payments.domain.provider import Intent, Unanswered
from services.payments.domain.tip import NotCompletedYet, TipOutOfBounds, must_be_fair
from services.payments.jobs import forget_unpaid_tips
from services.payments.queries.ledger import balances_of, trial_balance
from shared.clock import frozen, now
from shared.contracts.catalog import ConfigChanged
from shared.contracts.payments import InvoiceIssued, PaymentCaptured, PaymentRefunded
from shared.testing.plugin import Published, recorded_in
from shared.testing.tokens import customer

from .conftest import CUSTOMER, PRICE, As, Till, applied, cancelled, charge_due, completed

TIP = 2_000


async def tip(till: Till, as_: As, cents: Any = TIP, *, by: int = CUSTOMER, key: str | None = None) -> httpx.Response:
    headers = as_(customer(by)) | ({"Idempotency-Key": key} if key else {})
    return await till.client.post("/payments/v1/bookings/1/tips", json={"amount_cents": cents}, headers=headers)


async def tips(till: Till) -> list[tuple[int, Status]]:
    return [(one.amount_cents, one.status) for one in await till.payments() if one.purpose is Purpose.TIP]


async def test_a_tip_is_paid_and_is_the_affiliates_alone(till: Till, as_: As, published: Published) -> None:
    await till.hear(completed())
    answer = await tip(till, as_)
    assert (answer.status_code, answer.json()["purpose"], answer.json()["status"]) == (201, "tip", "pending")
    await till.work()
    found = await till.client.get("/payments/v1/payments?booking_id=1", headers=as_(customer(CUSTOMER)))
    assert (found.json()["id"], found.json()["client_secret"] is None) == (answer.json()["id"], False)
    await till.pay(await till.intent_id(purpose=Purpose.TIP))
    [told] = await published(PaymentCaptured)
    assert (told.purpose, told.amount_cents, told.commission_cents) == ("tip", TIP, 0)
    async with till.database.begin() as session:
        said = await balances_of(session, answer.json()["id"])
        assert said == {Account.PROVIDER_CLEARING: TIP, Account.AFFILIATE_PAYABLE: -TIP}
        assert await ledger.faults(session) == []


@pytest.mark.parametrize(
    ("body", "by", "status"),
    [
        (TIP, CUSTOMER + 1, 404),
        (49, CUSTOMER, 422),
        (PRICE + 1, CUSTOMER, 422),
        ("9", CUSTOMER, 422),
    ],
)
async def test_what_is_no_tip_leaves_nothing(till: Till, as_: As, body: Any, by: int, status: int) -> None:
    await till.hear(completed())
    assert (await tip(till, as_, body, by=by)).status_code == status
    assert (await tips(till), await till.waiting()) == ([], [])


async def test_before_the_job_is_done_nobody_tips(till: Till, as_: As) -> None:
    await till.captured()
    assert (await tip(till, as_)).status_code == 404
    await till.hear(charge_due())
    refused = await tip(till, as_)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-completed-yet")
    await till.hear(completed(), charge_due())
    assert (await tip(till, as_)).status_code == 201


async def test_where_tips_are_not_taken_none_is(till: Till, as_: As) -> None:
    values: dict[str, Any] = {
        "config_id": 1, "version": 1, "currency": "USD", "commission_bp": 1500, "hold_minutes": 10, "lead_minutes": 60,
        "horizon_days": 90, "free_cancellation_hours": 24, "late_cancellation_fee_bp": 5000,
    }  # fmt: skip
    await till.deliver(ConfigChanged(**values, tips_allowed=False))
    await till.hear(completed())
    refused = await tip(till, as_)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/tips-not-taken")


async def test_the_same_request_twice_is_one_tip(till: Till, as_: As) -> None:
    await till.hear(completed())
    first, second = [await tip(till, as_, key="tip-1") for _ in range(2)]
    assert (first.json(), await tips(till)) == (second.json(), [(TIP, Status.PENDING)])


async def test_another_tip_replaces_one_that_is_not_paid(till: Till, as_: As) -> None:
    await till.hear(completed())
    for cents in (TIP, TIP + 1):
        await tip(till, as_, cents)
        await till.work()
    assert await tips(till) == [(TIP, Status.CANCELLED), (TIP + 1, Status.REQUIRES_PAYMENT)]
    first, second = [one.stripe_payment_intent_id for one in await till.payments()]
    assert (await till.sandbox.stripe.payment_intents.retrieve_async(str(first))).status == "canceled"
    await till.pay(str(second))
    refused = await tip(till, as_)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/tipped-already")


async def two_paid(till: Till, as_: As) -> list[str]:
    """Both confirmed at the provider before either heard of the other; the intents."""
    await till.hear(completed())
    intents = []
    for cents in (TIP, TIP + 1):
        await tip(till, as_, cents)
        await till.work() if cents > TIP else await till.sandbox.confirm(await ready_tip(till))
        intents.append(str((await till.payments())[-1].stripe_payment_intent_id))
    assert await tips(till) == [(TIP, Status.CAPTURED), (TIP + 1, Status.REQUIRES_PAYMENT)]
    await till.sandbox.confirm(intents[1])
    return intents


async def ready_tip(till: Till) -> str:
    await till.work()
    return str((await till.payments())[-1].stripe_payment_intent_id)


async def test_of_two_that_are_paid_in_the_same_second_the_first_stays_and_nobody_hears_of_the_other(
    till: Till, as_: As, published: Published
) -> None:
    intents = await two_paid(till, as_)
    for kind in ("payment_intent.succeeded", "payment_intent.succeeded"):
        await till.hand_on(intents[1], kind)
    assert await tips(till) == [(TIP, Status.CAPTURED), (TIP + 1, Status.REFUNDED)]
    assert [(await till.sandbox.totals(one))["net"] for one in intents] == [TIP, 0]
    [told] = await published(PaymentCaptured)
    assert (told.amount_cents, await published(PaymentRefunded)) == (TIP, [])
    await till.hear(told, told)
    await till.deliver(applied())
    await issue_papers(till.outside, 1)
    assert [one.total_cents for one in await published(InvoiceIssued)] == [TIP, PRICE]
    async with till.database.begin() as session:
        assert await ledger.faults(session) == []
        balances = {account: cents for _, account, cents in await trial_balance(session)}
        mine = [one.amount_cents for one in await session.scalars(select(Posting)) if one.affiliate_id]
    assert (balances[Account.AFFILIATE_PAYABLE], mine) == (-TIP, [-TIP])


async def test_of_two_that_are_settled_at_once_one_stays(fresh_till: Till, as_: As) -> None:
    """Each in a transaction of its own, that has its payment's row and waits for the other."""
    till = fresh_till
    await till.hear(completed())
    for cents in (TIP, TIP + 1):
        await tip(till, as_, cents)
        await till.work()
    first, second = [one for one in await till.payments() if one.purpose is Purpose.TIP]

    async def settle(payment: Payment) -> None:
        intent = Intent(
            id=str(payment.stripe_payment_intent_id), reference=payment.reference, status="succeeded",
            received_cents=payment.amount_cents, currency="USD", client_secret=None, payment_method=None, decline=None,
        )  # fmt: skip
        async with till.database.begin() as session:
            await settle_intent(session, intent)

    await asyncio.gather(settle(first), settle(second))
    found = [one for one in await till.payments() if one.purpose is Purpose.TIP]
    assert sorted(one.surplus for one in found) == [False, True]
    assert sorted(one.refunds_due_cents for one in found if not one.surplus) == [0]
    assert len(await recorded_in(till.database, PaymentCaptured)) == 1


async def test_one_that_was_paid_before_it_was_replaced_is_the_one(till: Till, as_: As, published: Published) -> None:
    await till.hear(completed())
    await tip(till, as_)
    await till.work()
    await till.sandbox.confirm(await till.intent_id(purpose=Purpose.TIP))
    await tip(till, as_, TIP + 1)
    await till.work()
    await till.hear(*await published(PaymentCaptured))
    assert await tips(till) == [(TIP, Status.CAPTURED), (TIP + 1, Status.CANCELLED)]


async def test_several_at_once_leave_one_to_be_paid(fresh_till: Till, as_: As) -> None:
    await fresh_till.hear(completed())
    answers = await asyncio.gather(*(tip(fresh_till, as_, TIP + n) for n in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    await fresh_till.work()
    assert [status for _, status in await tips(fresh_till)].count(Status.REQUIRES_PAYMENT) == 1


async def test_a_lost_answer_leads_to_one_intent(till: Till, as_: As) -> None:
    await till.hear(completed())
    await tip(till, as_)
    await till.sandbox.break_next("payment_intents.create", "drop")
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    payment = await till.payment(purpose=Purpose.TIP)
    assert await till.intents_of(payment) == [payment.stripe_payment_intent_id]


async def test_a_refund_of_the_price_leaves_tips_alone(till: Till, as_: As) -> None:
    price = await till.captured()
    await till.hear(completed())
    await tip(till, as_)
    await till.work()
    given = await till.pay(await till.intent_id(purpose=Purpose.TIP))
    await till.hear(cancelled(version=9, refund_cents=PRICE))
    assert [(await till.sandbox.totals(one))["refunded"] for one in (price, given)] == [PRICE, 0]


async def test_after_a_day_an_unpaid_tip_is_forgotten(till: Till, as_: As) -> None:
    await till.hear(completed())
    await tip(till, as_)
    await till.work()
    for later, status in ((timedelta(hours=23), Status.REQUIRES_PAYMENT), (timedelta(hours=25), Status.CANCELLED)):
        with frozen(now() + later):
            async with till.database.begin() as session:
                await forget_unpaid_tips(session)
        await till.work()
        assert await tips(till) == [(TIP, status)]


def done(price_cents: int, status: str = "completed") -> Booking:
    return Booking(
        booking_id=1, version=1, customer_id=7, affiliate_id=31, status=status, price_cents=price_cents, currency="USD"
    )


@pytest.mark.parametrize(
    ("cents", "price", "refusal"),
    [
        (50, 50, None), (50, 49, TipOutOfBounds), (49, 9_000, TipOutOfBounds), (9_000, 9_000, None),
        (9_001, 9_000, TipOutOfBounds), (20_000, 90_000, None), (20_001, 90_000, TipOutOfBounds),
        (50, 0, TipOutOfBounds),
    ],
)  # fmt: skip
def test_the_bounds_of_a_tip(cents: int, price: int, refusal: type[Exception] | None) -> None:
    if refusal is None:
        must_be_fair(done(price), cents)
    else:
        with pytest.raises(refusal):
            must_be_fair(done(price), cents)


@pytest.mark.parametrize("status", ["confirmed", "cancelled", "expired"])
def test_only_what_is_completed_is_tipped(status: str) -> None:
    with pytest.raises(NotCompletedYet):
        must_be_fair(done(9_000, status), 500)
