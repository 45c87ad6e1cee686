"""A deposit at once, the rest to the same card when the job is done; what the card does not give is paid by hand."""

from typing import Any

import pytest

from services.payments.commands import intents, ledger, rest
from services.payments.commands.rest import charge_saved_card
from services.payments.domain.booking import parts_of
from services.payments.domain.life import Purpose, Status
from services.payments.domain.payment import NotYetCaptured, Payment
from services.payments.domain.provider import Unanswered
from shared.contracts.payments import PaymentCaptured, PaymentFailed
from shared.testing.plugin import Published
from shared.testing.tokens import customer

from .conftest import CUSTOMER, PRICE, As, Till, cancelled, charge_due, completed, held, missed

DEPOSIT, COMMISSION = 4_000, 2_835
REST = PRICE - DEPOSIT
WAY: dict[str, Any] = {"payment_mode": "deposit", "deposit_cents": DEPOSIT, "tax_cents": 900}


async def deposited(till: Till, card: str = "pm_card_visa") -> str:
    intent_id = await till.ready(**WAY)
    await till.sandbox.confirm(intent_id, card)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    return intent_id


async def rest_of(till: Till) -> Payment:
    return await till.payment(purpose=Purpose.REST)


async def faults(till: Till) -> list[str]:
    async with till.database.begin() as session:
        return await ledger.faults(session)


async def taken(till: Till, payment: Payment) -> int:
    sums: int = (await till.sandbox.totals(str(payment.stripe_payment_intent_id)))["charged"]
    return sums


async def test_the_deposit_confirms_and_the_rest_is_charged_when_the_job_is_done(
    till: Till, published: Published
) -> None:
    first = await deposited(till)
    await till.hear(completed(**WAY), completed(**WAY))
    last = await rest_of(till)
    assert (last.status, last.captured_cents) == (Status.CAPTURED, REST)
    told = [(event.purpose, event.amount_cents) for event in await published(PaymentCaptured)]
    assert told == [("booking", DEPOSIT), ("rest", REST)]
    both = await till.payments()
    assert sum(payment.commission_cents for payment in both) == COMMISSION
    assert sum(payment.tax_cents for payment in both) == 900
    assert first != last.stripe_payment_intent_id
    assert await till.intents_of(last) == [last.stripe_payment_intent_id]
    assert await faults(till) == []


async def test_before_the_deposit_is_known_it_waits(till: Till) -> None:
    with pytest.raises(NotYetCaptured):
        await till.deliver(completed(**WAY))
    await deposited(till)
    await till.hear(completed(**WAY))
    assert (await rest_of(till)).status is Status.CAPTURED


async def test_a_card_that_wants_its_holder_leaves_the_rest_to_be_paid_by_hand(
    till: Till, as_: As, published: Published
) -> None:
    intent_id = await till.ready(**WAY)
    await till.sandbox.confirm(intent_id)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    asking = await till.sandbox.stripe.payment_methods.attach_async(
        "pm_card_authenticationRequired", {"customer": await customer_of(till, intent_id)}
    )
    await set_card(till, asking.id)
    await till.hear(completed(**WAY))
    last = await rest_of(till)
    assert (last.status, last.captured_cents) == (Status.REQUIRES_PAYMENT, 0)
    [failed] = await published(PaymentFailed)
    assert (failed.purpose, "authentication" in failed.reason) == ("rest", True)
    shown = await till.client.get("/payments/v1/payments?booking_id=1", headers=as_(customer(CUSTOMER)))
    assert (shown.json()["id"], shown.json()["client_secret"] is None) == (last.id, False)
    await till.pay(str(last.stripe_payment_intent_id))
    assert ((await rest_of(till)).status, await faults(till)) == (Status.CAPTURED, [])


async def customer_of(till: Till, intent_id: str) -> str:
    return str((await till.sandbox.stripe.payment_intents.retrieve_async(intent_id)).customer)


async def set_card(till: Till, method_id: str | None) -> None:
    """As if the deposit had been paid with another card; none: what an erasure leaves."""
    async with till.database.begin() as session:
        found = await session.get_one(Payment, (await till.payment()).id)
        found.payment_method = {**(found.payment_method or {}), "id": method_id} if method_id else {}


async def test_without_a_card_the_rest_is_left_to_the_customer(till: Till, published: Published) -> None:
    await deposited(till)
    await set_card(till, None)
    await till.hear(completed(**WAY))
    assert (await rest_of(till)).status is Status.REQUIRES_PAYMENT
    assert len(await published(PaymentFailed)) == 1


@pytest.mark.parametrize("call", ["payment_intents.create", "payment_intents.confirm", "customers.create"])
@pytest.mark.parametrize("mode", ["drop", "500", "429"])
async def test_a_lost_answer_charges_once(till: Till, call: str, mode: str) -> None:
    if call == "customers.create":
        await till.sandbox.break_next(call, mode)
        await till.deliver(held(**WAY))
        with pytest.raises(Unanswered):
            await till.work()
        await till.work()
    await deposited(till)
    if call != "customers.create":
        await till.sandbox.break_next(call, mode)
        await till.deliver(completed(**WAY))
        with pytest.raises(Unanswered):
            await till.work()
    await till.hear(completed(**WAY))
    last = await rest_of(till)
    assert (last.status, await taken(till, last)) == (Status.CAPTURED, REST)
    assert await till.intents_of(last) == [last.stripe_payment_intent_id]


@pytest.mark.parametrize(("module", "step"), [(intents, "_keep"), (rest, "settle_intent")])
async def test_a_crash_between_answer_and_store_charges_once(
    till: Till, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, published: Published
) -> None:
    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    await deposited(till)
    await till.deliver(completed(**WAY))
    with monkeypatch.context() as patched:
        patched.setattr(module, step, crash)
        with pytest.raises(KeyboardInterrupt):
            await till.work()
    await till.work()
    last = await rest_of(till)
    assert (last.status, await taken(till, last)) == (Status.CAPTURED, REST)
    assert len(await published(PaymentCaptured)) == 2


async def test_a_failure_kept_under_the_key_is_not_hidden_from_the_customer(till: Till, published: Published) -> None:
    await deposited(till)
    await till.sandbox.break_next("payment_intents.confirm", "500-stored", effect=False)
    await till.deliver(completed(**WAY))
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    assert (await rest_of(till)).status is Status.REQUIRES_PAYMENT
    assert [event.purpose for event in await published(PaymentFailed)] == ["rest"]
    await charge_saved_card(till.outside, (await rest_of(till)).id)
    assert len(await published(PaymentFailed)) == 1


async def test_a_refund_goes_over_rest_and_deposit(till: Till) -> None:
    first = await deposited(till)
    await till.hear(completed(**WAY))
    await till.hear(cancelled(version=9, refund_cents=REST + 1, **WAY))
    last = str((await rest_of(till)).stripe_payment_intent_id)
    assert [(await till.sandbox.totals(one))["refunded"] for one in (first, last)] == [1, REST]
    assert await faults(till) == []


async def test_of_a_job_that_was_missed_no_rest_is_wanted(till: Till) -> None:
    """The fee is in the deposit; a completion that is older changes nothing."""
    first = await deposited(till)
    await till.hear(missed(version=9, refund_cents=1_000, **WAY), completed(**WAY))
    assert [payment.purpose for payment in await till.payments()] == [Purpose.BOOKING]
    assert (await till.sandbox.totals(first))["refunded"] == 1_000
    assert await faults(till) == []


async def test_what_is_due_on_top_is_no_part_of_the_rest(till: Till) -> None:
    await deposited(till)
    await till.hear(completed(price_cents=PRICE + 5_000, **WAY), charge_due(**WAY))
    amounts = {payment.purpose: payment.amount_cents for payment in await till.payments()}
    assert amounts == {Purpose.BOOKING: DEPOSIT, Purpose.REST: REST, Purpose.EXTRA: 5_000}


@pytest.mark.parametrize(("deposit", "price", "commission", "tax"), [(1, 3, 1, 1), (33, 100, 15, 7), (99, 100, 100, 0)])
def test_the_parts_of_a_price_add_up(deposit: int, price: int, commission: int, tax: int) -> None:
    booking = held(price_cents=price, commission_cents=commission, tax_cents=tax, deposit_cents=deposit)
    parts = parts_of(booking)
    assert parts["amount_cents"] + parts["rest_cents"] == price
    assert parts["commission_cents"] + parts["rest_commission_cents"] == commission
    assert parts["tax_cents"] + parts["rest_tax_cents"] == tax
