"""Authorise now, take it when the job is done: holds, saved cards, late ends, and what gets lost on the way."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from services.payments.clients import Provider
from services.payments.commands import holds, intents, ledger, rest, webhooks
from services.payments.commands.reconciliation import check_intent
from services.payments.commands.repayment import settle_refund
from services.payments.domain.life import IntentKind, Purpose, Status
from services.payments.domain.payment import NotYetCaptured
from services.payments.domain.provider import ProviderRefund, Unanswered
from services.payments.domain.webhook import Outcome
from shared.clock import frozen, now
from shared.contracts.payments import AuthorisationFailed, CardSaved, PaymentAuthorised, PaymentCaptured, PaymentFailed
from shared.testing.plugin import Published
from shared.testing.tokens import customer

from .conftest import CUSTOMER, PRICE, As, Till, cancelled, charge_due, completed, expired, held, missed, moved

FEE, COMMISSION, TAX = 5_000, 2_835, 900


def visit(days: float, **more: Any) -> dict[str, Any]:
    start = now() + timedelta(days=days)
    when = {"appointment_start": start, "appointment_end": start + timedelta(hours=2)}
    return {"payment_mode": "authorise", "tax_cents": TAX, **when, **more}


async def settle(till: Till, intent_id: str, kind: str = "payment_intent.amount_capturable_updated") -> None:
    await till.hand_on(intent_id, kind)


async def authorised(till: Till, way: dict[str, Any], card: str = "pm_card_visa") -> str:
    intent_id = await till.ready(**way)
    await till.sandbox.confirm(intent_id, card)
    await settle(till, intent_id)
    return intent_id


async def saved(till: Till, way: dict[str, Any], card: str = "pm_card_visa") -> str:
    """The booking's card is saved; the setup's id."""
    await till.hear(held(**way))
    setup_id = str((await till.payment()).stripe_setup_intent_id)
    made = await till.sandbox.stripe.setup_intents.confirm_async(setup_id, {"payment_method": card})
    if made.status == "requires_action":
        await till.sandbox.control("POST", f"setup_intents/{setup_id}/authenticate", succeeds=True)
    await settle(till, setup_id, "setup_intent.succeeded")
    return setup_id


async def near(till: Till) -> None:
    """The jobs, once, and what follows from them."""
    for job in (holds.release_useless, holds.hold_due):
        async with till.database.begin() as session:
            await job(session, limit=100)
        await till.work()


async def replay(till: Till, kind: str) -> None:
    """The last webhook of its kind, by a person's decision."""
    told = [webhook.event_id for webhook in await till.webhooks() if webhook.type == kind][-1]
    async with till.database.begin() as session:
        await webhooks.replay(session, told)
    await till.work()


async def on_day(till: Till, days: float) -> AbstractContextManager[Any]:
    await till.sandbox.control("PUT", "clock", offset_seconds=int(days * 86400))
    return frozen(now() + timedelta(days=days))


async def faults(till: Till) -> list[str]:
    async with till.database.begin() as session:
        return await ledger.faults(session)


async def money(till: Till, intent_id: str) -> tuple[int, int, int]:
    """What the sandbox's ledger says: holds, holds let go, cents charged."""
    totals = await till.sandbox.totals(intent_id)
    return totals["authorizations"], totals["releases"], totals["charged"]


async def test_a_near_visit_is_held_on_the_card_and_taken_when_the_job_is_done(
    till: Till, published: Published
) -> None:
    way = visit(3)
    intent_id = await authorised(till, way)
    payment = await till.payment()
    assert (payment.status, payment.captured_cents) == (Status.AUTHORISED, 0)
    charge: Any = (
        await till.sandbox.stripe.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
    ).latest_charge
    assert payment.capture_before is not None
    assert payment.capture_before.timestamp() == charge.payment_method_details.card.capture_before
    assert await published(PaymentCaptured) == []
    await till.hear(completed(**way), completed(**way))
    payment = await till.payment()
    assert (payment.status, payment.captured_cents, payment.amount_cents) == (Status.CAPTURED, PRICE, PRICE)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    assert [event.type.split(".")[1] for event in await published()] == ["intent_created", "authorised", "captured"]
    assert await money(till, intent_id) == (1, 0, PRICE)
    assert (await faults(till), payment.commission_cents, payment.tax_cents) == ([], COMMISSION, TAX)


async def test_a_far_visit_has_its_card_saved_and_held_on_two_days_before(till: Till, published: Published) -> None:
    way = visit(20)
    setup_id = await saved(till, way)
    payment = await till.payment()
    assert (payment.status, payment.intent_kind) == (Status.CARD_SAVED, IntentKind.SETUP)
    assert [type(event) for event in (await published())[1:]] == [CardSaved]
    await near(till)
    assert (await till.payment()).status is Status.CARD_SAVED
    with await on_day(till, 18.1):
        await near(till)
        await near(till)
        payment = await till.payment()
        assert (payment.status, payment.intent_kind) == (Status.AUTHORISED, IntentKind.HOLD)
        intent_id = await till.intent_id()
        assert await till.intents_of(payment) == [intent_id]
        await till.hand_on(setup_id, "setup_intent.succeeded")
        await till.hear(completed(**way))
    assert ((await till.payment()).status, await money(till, intent_id)) == (Status.CAPTURED, (1, 0, PRICE))
    assert len(await published(PaymentAuthorised)) == len(await published(CardSaved)) == 1


@pytest.mark.parametrize("card", ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"])
async def test_a_card_declined_before_the_visit_is_told_to_both_and_paid_by_hand(
    till: Till, as_: As, published: Published, card: str
) -> None:
    way = visit(20)
    await saved(till, way, card)
    with await on_day(till, 18.1):
        await near(till)
        intent_id = await till.intent_id()
        await till.hand_on(intent_id, "payment_intent.payment_failed")
        await replay(till, "setup_intent.succeeded")
        [failed] = await published(AuthorisationFailed)
        assert (failed.purpose, failed.booking_id, bool(failed.reason)) == ("booking", 1, True)
        shown = (await till.client.get("/payments/v1/payments?booking_id=1", headers=as_(customer(CUSTOMER)))).json()
        assert (shown["status"], shown["intent_kind"]) == ("requires_payment", "hold")
        assert shown["client_secret"].startswith(intent_id)
        await till.sandbox.confirm(intent_id, "pm_card_mastercard")
        await settle(till, intent_id)
        await till.hear(completed(**way))
    assert ((await till.payment()).status, await money(till, intent_id)) == (Status.CAPTURED, (1, 0, PRICE))
    assert await published(PaymentFailed) == []


async def test_what_a_declined_card_never_gave_is_asked_for_once_the_job_is_done(
    till: Till, published: Published
) -> None:
    way = visit(20)
    await saved(till, way, "pm_card_chargeCustomerFail")
    with await on_day(till, 18.1):
        await near(till)
        open_intent = await till.intent_id()
        await till.hear(completed(**way), completed(**way))
        rest = await till.payment(purpose=Purpose.REST)
        assert (rest.status, rest.amount_cents, rest.commission_cents, rest.tax_cents) == (
            Status.REQUIRES_PAYMENT, PRICE, COMMISSION, TAX,
        )  # fmt: skip
        assert [event.purpose for event in await published(PaymentFailed)] == ["rest"]
        assert (await till.sandbox.stripe.payment_intents.retrieve_async(open_intent)).status == "canceled"
        await till.pay(str(rest.stripe_payment_intent_id))
    assert [payment.status for payment in await till.payments()] == [Status.CANCELLED, Status.CAPTURED]
    assert await faults(till) == []


GONE = [pytest.param(cancelled, id="cancelled"), pytest.param(missed, id="missed")]


@pytest.mark.parametrize("gone", GONE)
async def test_a_booking_that_ends_in_time_takes_nothing(till: Till, gone: Any, published: Published) -> None:
    way = visit(3)
    intent_id = await authorised(till, way)
    await till.hear(gone(**way), gone(version=9, **way))
    assert ((await till.payment()).status, await money(till, intent_id)) == (Status.CANCELLED, (1, 1, 0))
    await till.hand_on(intent_id, "payment_intent.canceled")
    await till.hand_on(intent_id, "charge.refunded")
    assert (await published(PaymentCaptured), await faults(till)) == ([], [])
    outcomes = {webhook.type: webhook.outcome for webhook in await till.webhooks()}
    assert (outcomes["charge.refunded"], (await till.payment()).attention) == (Outcome.KNOWN, None)


@pytest.mark.parametrize("gone", GONE)
async def test_a_late_end_takes_exactly_the_fee_of_what_is_held(till: Till, gone: Any, published: Published) -> None:
    way = visit(3)
    intent_id = await authorised(till, way)
    await till.hear(gone(fee_due_cents=FEE, **way), gone(version=9, fee_due_cents=FEE, **way), completed(**way))
    payment = await till.payment()
    assert (payment.status, payment.captured_cents, await money(till, intent_id)) == (
        Status.CAPTURED, FEE, (1, 0, FEE),
    )  # fmt: skip
    assert (payment.commission_cents, payment.tax_cents) == (COMMISSION * FEE // PRICE, TAX * FEE // PRICE)
    [told] = await published(PaymentCaptured)
    assert (told.amount_cents, told.commission_cents) == (FEE, payment.commission_cents)
    await till.hand_on(intent_id, "payment_intent.succeeded")
    assert (await faults(till), len(await till.payments()), await till.refunds()) == ([], 1, [])


@pytest.mark.parametrize("gone", GONE)
async def test_a_late_end_with_only_a_saved_card_charges_the_fee_to_it(till: Till, gone: Any) -> None:
    way = visit(20)
    await saved(till, way)
    await till.hear(gone(fee_due_cents=FEE, **way), gone(version=9, fee_due_cents=FEE, **way))
    fee = await till.payment(purpose=Purpose.FEE)
    assert (fee.status, fee.captured_cents) == (Status.CAPTURED, FEE)
    assert (await till.payment()).status is Status.CANCELLED
    assert await money(till, str(fee.stripe_payment_intent_id)) == (0, 0, FEE)
    assert await faults(till) == []


async def test_a_fee_that_the_card_does_not_give_is_paid_by_hand(till: Till, published: Published) -> None:
    way = visit(20)
    await saved(till, way, "pm_card_chargeCustomerFail")
    await till.hear(cancelled(fee_due_cents=FEE, **way))
    fee = await till.payment(purpose=Purpose.FEE)
    assert (fee.status, [event.purpose for event in await published(PaymentFailed)]) == (
        Status.REQUIRES_PAYMENT, ["fee"],
    )  # fmt: skip
    await till.hear(cancelled(version=9, fee_due_cents=FEE, **way))
    await till.pay(str(fee.stripe_payment_intent_id))
    assert ((await till.payment(purpose=Purpose.FEE)).status, await faults(till)) == (Status.CAPTURED, [])


async def test_authorised_too_late_is_let_go_and_nobody_is_told_again(till: Till, published: Published) -> None:
    """Its hold of the time ran out, and then its customer agreed: what was told once is true."""
    way = visit(3)
    intent_id = await till.ready(**way)
    await till.deliver(expired(**way))
    await till.sandbox.confirm(intent_id)
    await till.post(await till.webhook(intent_id, "payment_intent.amount_capturable_updated"))
    await till.work()
    assert ((await till.payment()).status, await money(till, intent_id)) == (Status.CANCELLED, (1, 1, 0))
    assert [event.type for event in await published()] == ["payments.intent_created.v1"]


async def test_a_card_saved_too_late_is_not_used(till: Till, published: Published) -> None:
    way = visit(20)
    await till.hear(held(**way))
    setup_id = str((await till.payment()).stripe_setup_intent_id)
    await till.deliver(expired(**way))
    await till.sandbox.stripe.setup_intents.confirm_async(setup_id, {"payment_method": "pm_card_visa"})
    await till.work()
    await settle(till, setup_id, "setup_intent.succeeded")
    assert ((await till.payment()).status, await published(CardSaved)) == (Status.CANCELLED, [])
    setup = await till.sandbox.stripe.setup_intents.retrieve_async(setup_id)
    assert (await till.sandbox.stripe.payment_methods.retrieve_async(str(setup.payment_method))).customer is None


@pytest.mark.parametrize("days", [3, 20])
async def test_a_booking_that_expires_before_it_is_agreed_to_leaves_nothing_open(till: Till, days: int) -> None:
    way = visit(days)
    await till.hear(held(**way), expired(**way))
    payment = await till.payment()
    assert payment.status is Status.CANCELLED
    if payment.stripe_setup_intent_id:
        found = await till.sandbox.stripe.setup_intents.retrieve_async(payment.stripe_setup_intent_id)
        assert found.status == "canceled"
        await settle(till, payment.stripe_setup_intent_id, "setup_intent.canceled")


@pytest.mark.parametrize("days", [3, 20])
async def test_what_was_agreed_before_it_expired_waits_for_what_booking_says(till: Till, days: int) -> None:
    """Booking takes the time again if it is free, and calls it off if not."""
    way = visit(days)
    await (authorised if days == 3 else saved)(till, way)
    before = (await till.payment()).status
    await till.hear(expired(**way))
    assert (await till.payment()).status is before
    await till.hear(cancelled(**way))
    assert (await till.payment()).status is Status.CANCELLED


async def test_a_visit_that_moves_away_is_let_go_and_held_again_when_it_is_near(till: Till) -> None:
    way = visit(3)
    first = await authorised(till, way)
    later = visit(20)
    await till.hear(moved(version=3, **later), moved(version=2, **way))
    await near(till)
    assert ((await till.payment()).status, await money(till, first)) == (Status.CARD_SAVED, (1, 1, 0))
    await till.hand_on(first, "payment_intent.canceled")
    await till.hand_on(first, "charge.refunded")
    assert [webhook.outcome for webhook in await till.webhooks()][-2:] == [Outcome.KNOWN, Outcome.KNOWN]
    await near(till)
    with await on_day(till, 18.1):
        await near(till)
        payment = await till.payment()
        second = await till.intent_id()
        assert (payment.status, second == first) == (Status.AUTHORISED, False)
        await till.hear(completed(**later))
    assert (await money(till, first), await money(till, second)) == ((1, 1, 0), (1, 0, PRICE))
    assert (await till.payment()).attention is None


async def test_a_visit_that_moves_near_is_held_at_once(till: Till) -> None:
    await saved(till, visit(20))
    await till.hear(moved(version=3, **visit(1)))
    await near(till)
    assert (await till.payment()).status is Status.AUTHORISED


async def test_a_move_that_is_heard_of_before_the_booking_is_told_again(till: Till) -> None:
    with pytest.raises(NotYetCaptured):
        await till.deliver(moved(version=3, **visit(20)))
    await saved(till, visit(15))
    later = visit(20)
    await till.deliver(moved(version=3, **later))
    assert (await till.payment()).visit_start == later["appointment_start"]


async def test_a_hold_that_ends_before_the_job_is_done_is_renewed(till: Till) -> None:
    """The visit is over and nobody has called it done: the card is held on anew, one hold after the other."""
    way = visit(3)
    first = await authorised(till, way)
    with await on_day(till, 6):
        await near(till)
        assert await till.intent_id() == first
    with await on_day(till, 6.9):
        await near(till)
        second = await till.intent_id()
        assert ((await till.payment()).status, second == first) == (Status.AUTHORISED, False)
        await till.hear(completed(**way))
    assert (await money(till, first), await money(till, second)) == ((1, 1, 0), (1, 0, PRICE))
    assert await faults(till) == []


async def test_a_visit_that_nobody_calls_done_keeps_no_money_back_for_ever(till: Till) -> None:
    first = await authorised(till, visit(3))
    with await on_day(till, 18):
        await settle(till, first, "payment_intent.canceled")
        await near(till)
        assert ((await till.payment()).status, await money(till, first)) == (Status.CARD_SAVED, (1, 1, 0))


@pytest.mark.parametrize("told", [True, False], ids=["told by webhook", "found out when it is taken"])
async def test_a_hold_that_has_ended_is_charged_to_the_card_instead(till: Till, told: bool) -> None:
    way = visit(3)
    first = await authorised(till, way)
    with await on_day(till, 7.5):
        if told:
            await settle(till, first, "payment_intent.canceled")
        await till.hear(completed(**way), completed(**way))
        rest = await till.payment(purpose=Purpose.REST)
        assert (rest.status, rest.captured_cents) == (Status.CAPTURED, PRICE)
        assert await money(till, first) == (1, 1, 0)
    assert [payment.status for payment in await till.payments()] == [Status.CANCELLED, Status.CAPTURED]
    assert await faults(till) == []


async def test_a_fee_of_a_hold_that_has_ended_is_charged_instead(till: Till) -> None:
    way = visit(3)
    first = await authorised(till, way)
    with await on_day(till, 7.5):
        await till.hear(missed(fee_due_cents=FEE, **way))
    fee = await till.payment(purpose=Purpose.FEE)
    assert (fee.captured_cents, fee.commission_cents) == (FEE, COMMISSION * FEE // PRICE)
    assert await money(till, first) == (1, 1, 0)


async def test_what_comes_on_top_is_a_payment_of_its_own(till: Till) -> None:
    way = visit(3)
    intent_id = await authorised(till, way)
    extra = charge_due(version=3, **way)
    await till.hear(extra)
    await till.pay(await till.intent_id(purpose=Purpose.EXTRA))
    await till.hear(completed(**way | {"price_cents": extra.price_cents}))
    assert await money(till, intent_id) == (1, 0, PRICE)
    assert {payment.purpose: payment.captured_cents for payment in await till.payments()} == {
        Purpose.BOOKING: PRICE, Purpose.EXTRA: 5_000,
    }  # fmt: skip


async def test_done_before_it_was_heard_of_comes_again(till: Till) -> None:
    with pytest.raises(NotYetCaptured):
        await till.deliver(completed(**visit(3)))


async def test_what_costs_nothing_is_not_held(till: Till, published: Published) -> None:
    way = visit(3, price_cents=0, commission_cents=0, tax_cents=0)
    await till.hear(held(**way), completed(**way))
    assert [type(event) for event in await published()] == [PaymentCaptured]


@pytest.mark.parametrize("mode", ["drop", "500", "429"])
@pytest.mark.parametrize(
    "call", ["customers.create", "payment_intents.create", "payment_intents.confirm", "payment_intents.capture"]
)
async def test_a_lost_answer_holds_and_takes_once(till: Till, call: str, mode: str) -> None:
    """On the way from a saved card to the money."""
    way = visit(20)
    if call == "customers.create":
        await till.sandbox.break_next(call, mode)
        await till.deliver(held(**way))
        with pytest.raises(Unanswered):
            await till.work()
    await saved(till, way)
    with await on_day(till, 18.1):
        if call in ("payment_intents.create", "payment_intents.confirm"):
            await till.sandbox.break_next(call, mode)
            with pytest.raises(Unanswered):
                await near(till)
        await near(till)
        await till.work()
        if call == "payment_intents.capture":
            await till.sandbox.break_next(call, mode)
            await till.deliver(completed(**way))
            with pytest.raises(Unanswered):
                await till.work()
        await till.hear(completed(**way))
    payment = await till.payment()
    assert (payment.status, await till.intents_of(payment)) == (Status.CAPTURED, [payment.stripe_payment_intent_id])
    assert await money(till, str(payment.stripe_payment_intent_id)) == (1, 0, PRICE)


@pytest.mark.parametrize("mode", ["drop", "500-stored"])
@pytest.mark.parametrize("effect", [True, False])
async def test_a_lost_setup_is_looked_up(till: Till, mode: str, effect: bool) -> None:
    await till.sandbox.break_next("setup_intents.create", mode, effect=effect)
    await till.deliver(held(**visit(20)))
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    payment = await till.payment()
    listed = (await till.sandbox.stripe.setup_intents.list_async({"limit": 10})).data
    mine = [one.id for one in listed if one.metadata and one.metadata["mdh_reference"] == str(payment.reference)]
    assert (payment.status, mine) == (Status.REQUIRES_PAYMENT, [payment.stripe_setup_intent_id])


@pytest.mark.parametrize("step", ["hold", "charge", "take", "release", "replace"])
async def test_a_crash_between_two_steps_ends_in_the_one_right_state(
    till: Till, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """After each answer, before it is written down."""

    async def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    crashes: dict[str, tuple[Any, str]] = {
        "hold": (intents, "_keep"), "charge": (rest, "settle_intent"),
        "take": (holds, "settle_intent"), "release": (intents, "settle_intent"), "replace": (holds, "_replace"),
    }  # fmt: skip
    where, name = crashes[step]

    async def with_crash(do: Callable[[], Any]) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(where, name, crash)
            with pytest.raises(KeyboardInterrupt):
                await do()
        await till.work()

    way = visit(20)
    await saved(till, way)
    with await on_day(till, 18.1):
        await (with_crash(partial(near, till)) if step in ("hold", "charge") else near(till))
        first = await till.intent_id()
        assert (await till.payment()).status is Status.AUTHORISED
    with await on_day(till, 24.9):
        await (with_crash(partial(near, till)) if step == "release" else near(till))
        await near(till)
        second = await till.intent_id()
        assert (first == second, (await till.payment()).status) == (False, Status.AUTHORISED)
    with await on_day(till, 33 if step == "replace" else 26):
        done = partial(till.hear, completed(**way))
        await (with_crash(done) if step in ("take", "replace") else done())
    last = (await till.payments())[-1]
    assert (last.purpose, last.status, last.captured_cents) == (
        Purpose.REST if step == "replace" else Purpose.BOOKING, Status.CAPTURED, PRICE,
    )  # fmt: skip
    charged = [(await money(till, one))[2] for one in {first, second, str(last.stripe_payment_intent_id)}]
    assert (sum(charged), await faults(till)) == (PRICE, [])


async def test_what_no_webhook_told_of_is_found_out(till: Till) -> None:
    """The hold, and the money, by asking."""
    way = visit(3)
    intent_id = await till.ready(**way)
    await till.sandbox.confirm(intent_id)
    payment_id = (await till.payment()).id
    await check_intent(till.outside, payment_id)
    assert (await till.payment()).status is Status.AUTHORISED
    await till.deliver(completed(**way))
    await check_intent(till.outside, payment_id)
    assert (await till.payment()).status is Status.CAPTURED


async def test_a_saved_card_of_which_no_webhook_told_is_found_out(till: Till) -> None:
    await till.hear(held(**visit(20)))
    payment = await till.payment()
    await till.sandbox.stripe.setup_intents.confirm_async(
        str(payment.stripe_setup_intent_id), {"payment_method": "pm_card_visa"}
    )
    await check_intent(till.outside, payment.id)
    assert (await till.payment()).status is Status.CARD_SAVED


async def test_a_declined_card_leaves_the_time_held_and_another_may_be_saved(till: Till, published: Published) -> None:
    await till.hear(held(**visit(20)))
    setup_id = str((await till.payment()).stripe_setup_intent_id)
    with pytest.raises(Exception, match="declined"):
        await till.sandbox.stripe.setup_intents.confirm_async(setup_id, {"payment_method": "pm_card_chargeDeclined"})
    await till.hand_on(setup_id, "setup_intent.setup_failed")
    assert ((await till.payment()).status, len(await published(PaymentFailed))) == (Status.REQUIRES_PAYMENT, 1)
    await till.sandbox.stripe.setup_intents.confirm_async(setup_id, {"payment_method": "pm_card_visa"})
    await settle(till, setup_id, "setup_intent.succeeded")
    assert (await till.payment()).status is Status.CARD_SAVED


async def test_a_hold_of_another_sum_is_parked(till: Till) -> None:
    intent_id = await till.ready(**visit(3))
    await till.sandbox.stripe.payment_intents.update_async(intent_id, {"amount": PRICE - 1})
    await till.sandbox.confirm(intent_id)
    await settle(till, intent_id)
    payment = await till.payment()
    assert (payment.status, "holds" in (payment.attention or "")) == (Status.REQUIRES_PAYMENT, True)


@pytest.mark.parametrize("days", [3, 20])
async def test_agreeing_takes_no_more_statements_than_paying(
    till: Till, statements: Callable[[], AbstractContextManager[list[str]]], days: int
) -> None:
    with statements() as sent:
        await till.deliver(held(**visit(days)))
    first = len(sent)
    payment = await till.payment()
    make = intents.create_setup if payment.intent_kind is IntentKind.SETUP else intents.create_intent
    with statements() as sent:
        await make(till.outside, payment.id)
    assert first + len(sent) <= 6, sent


async def test_a_hold_of_which_somebody_else_took_another_sum_is_not_charged_for_again(till: Till) -> None:
    """On the provider's pages, just before the fee was wanted: a person has to look."""
    way = visit(3)
    intent_id = await authorised(till, way)
    await till.sandbox.stripe.payment_intents.capture_async(intent_id)
    await till.hear(cancelled(fee_due_cents=FEE, **way))
    [payment] = await till.payments()
    assert (payment.status, f"took {PRICE}" in (payment.attention or "")) == (Status.CAPTURING, True)
    assert await money(till, intent_id) == (1, 0, PRICE)


async def test_what_the_provider_does_not_give_although_it_is_held_waits_for_a_person(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = visit(3)
    intent_id = await authorised(till, way)
    with monkeypatch.context() as patched:
        patched.setattr(Provider, "capture_intent", lambda self, intent_id, _: self.get_intent(intent_id))
        await till.hear(completed(**way))
    payment = await till.payment()
    assert (payment.status, "does not give" in (payment.attention or "")) == (Status.CAPTURING, True)
    await check_intent(till.outside, payment.id)
    assert ((await till.payment()).attention, await money(till, intent_id)) == (None, (1, 0, PRICE))


async def test_what_is_let_go_shows_as_a_refund_and_is_none(till: Till) -> None:
    told = ProviderRefund(id="re_1", status="succeeded", amount_cents=1, reference=None, moves_money=False)
    async with till.database.begin() as session:
        assert await settle_refund(session, told) is Outcome.IGNORED
        assert await settle_refund(session, replace(told, moves_money=True)) is Outcome.FOREIGN


async def test_a_payment_is_shown_while_its_card_is_held_on(till: Till, as_: As) -> None:
    await saved(till, visit(20))
    with await on_day(till, 18.1):
        async with till.database.begin() as session:
            await holds.hold_due(session, limit=100)
        shown = await till.client.get("/payments/v1/payments?booking_id=1", headers=as_(customer(CUSTOMER)))
    assert (shown.status_code, shown.json()["status"], shown.json()["client_secret"]) == (200, "pending", None)
