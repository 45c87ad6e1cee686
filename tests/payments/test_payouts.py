"""Affiliates' money leaves: when, how much, once, and what is set off."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from services.payments.commands import ledger, payouts
from services.payments.commands.disputes import check_dispute
from services.payments.commands.reconciliation import clear_attention
from services.payments.domain.earnings import PayoutTerms
from services.payments.domain.ledger import Account
from services.payments.domain.payout import Payout, PayoutStatus
from services.payments.domain.provider import Unanswered
from services.payments.jobs import pay_affiliates
from services.payments.queries.payouts import lock_account_of
from shared.auth import Role
from shared.clock import frozen, now
from shared.contracts.booking import BookingChargeDue, BookingEvent
from shared.contracts.payments import PaidOut, PayoutRefused
from shared.testing.plugin import Published, recorded_in
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import AFFILIATE, CUSTOMER, PRICE, As, Till, cancelled, charge_due, completed, expired, held, missed
from .payday import (
    AT_ONCE,
    COMMISSION,
    HOLD,
    LOOKED_AT_LONG_AGO,
    SHARE,
    account,
    arrived,
    drain,
    earned,
    has_account,
    items,
    made,
    owed,
    paid,
    paid_tip,
    payday,
    posted,
    tells,
)
from .test_disputes import answers, opens

CREATE = "transfers.create"
ON_SITE: dict[str, Any] = {"payment_mode": "on_site"}
A_MOMENT = timedelta(minutes=1)
TERMS = PayoutTerms(HOLD, minimum_cents=2_500)


# -- when --


async def test_what_was_earned_leaves_after_a_week(banked: Till, published: Published) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    await payday(banked, HOLD - A_MOMENT)
    assert (await made(banked), await owed(banked)) == ([], SHARE)
    await payday(banked)
    [payout] = await made(banked)
    assert (payout.status, payout.amount_cents, payout.currency) == (PayoutStatus.PAID, SHARE, "USD")
    assert (await arrived(banked, stripe_id), await items(banked), await owed(banked)) == ([SHARE], [SHARE], 0)
    assert await posted(banked, payout.id) == {Account.AFFILIATE_PAYABLE: SHARE, Account.PROVIDER_CLEARING: -SHARE}
    [told] = await published(PaidOut)
    assert (told.payout_id, told.affiliate_id, told.amount_cents, told.version) == (payout.id, AFFILIATE, SHARE, 2)
    await payday(banked, 2 * HOLD)
    assert len(await made(banked)) == 1


@pytest.mark.parametrize("end", [completed(), cancelled(refund_cents=0), missed()], ids=lambda event: event.status)
async def test_a_week_after_whatever_end_leaves_it_something(banked: Till, end: BookingEvent) -> None:
    stripe_id = await has_account(banked)
    await paid(banked, await banked.ready())
    await payday(banked, 9 * HOLD)
    assert await made(banked) == []
    await banked.hear(end, end)
    await payday(banked)
    assert await arrived(banked, stripe_id) == [SHARE]


async def test_money_that_came_too_late_is_no_earning(banked: Till) -> None:
    await has_account(banked)
    intent_id = await banked.ready()
    await banked.deliver(expired())
    await paid(banked, intent_id)
    await payday(banked, 9 * HOLD)
    assert (await made(banked), (await banked.payment()).captured_cents) == ([], PRICE)


async def test_the_week_begins_when_the_later_of_job_and_payment_is_over(banked: Till) -> None:
    """What is paid after the job waits for a week of its own."""
    stripe_id = await has_account(banked)
    with frozen(now() - timedelta(days=6)):
        await banked.hear(held(), charge_due(commission_cents=COMMISSION), completed())
    await paid(banked, await banked.intent_id())
    await payday(banked, timedelta(days=6))
    assert await made(banked) == []
    await payday(banked)
    assert await arrived(banked, stripe_id) == [SHARE]


async def test_the_week_begins_when_the_job_is_over_however_long_ago_it_was_paid(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await paid(banked, await banked.ready())
    async with banked.database.begin() as session:
        await session.execute(text("update payments set captured_at = now() - interval '20 days'"))
    await banked.hear(completed())
    await payday(banked, HOLD - A_MOMENT)
    assert await made(banked) == []
    await payday(banked)
    assert await arrived(banked, stripe_id) == [SHARE]


async def test_whatever_order_the_end_is_told_in_the_first_counts(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await paid(banked, await banked.ready())
    later = BookingChargeDue(**charge_due(version=6).model_dump() | {"status": "completed"})
    await banked.hear(later)
    with frozen(now() + timedelta(days=5)):
        await banked.hear(completed(version=5), later)
    await payday(banked)
    assert await arrived(banked, stripe_id) == [SHARE]


async def test_what_is_too_little_waits_for_more(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await earned(banked, 1, price_cents=2_499, commission_cents=0)
    await payday(banked)
    assert await made(banked) == []
    await earned(banked, 2, price_cents=100, commission_cents=99)
    await payday(banked)
    assert (await arrived(banked, stripe_id), await items(banked)) == ([2_500], [2_499, 1])


@pytest.mark.parametrize(("status", "enabled"), [("restricted", True), ("complete", False)])
async def test_nobody_is_paid_before_the_provider_knows_all_it_wants(banked: Till, status: str, enabled: bool) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    async with banked.database.begin() as session:
        stands = text("update payout_accounts set status = :status, payouts_enabled = :enabled")
        await session.execute(stands, {"status": status, "enabled": enabled})
    await payday(banked)
    assert await made(banked) == []
    await tells(banked, stripe_id, "complete")
    await payday(banked)
    assert await arrived(banked, stripe_id) == [SHARE]


async def test_what_a_person_must_look_at_first_waits_for_them(banked: Till) -> None:
    """A refund that came back, say: whose money it is, is not known."""
    stripe_id = await has_account(banked)
    await earned(banked)
    async with banked.database.begin() as session:
        await session.execute(text("update payments set attention = 'A refund ended as failed.'"))
    await payday(banked)
    assert await made(banked) == []
    async with banked.database.begin() as session:
        await clear_attention(session, (await banked.payment()).id)
    await payday(banked)
    assert await arrived(banked, stripe_id) == [SHARE]


# -- how much --


async def test_a_refund_after_the_payout_is_set_off_against_the_next(banked: Till) -> None:
    """To the cent, and the books say in between what is owed."""
    stripe_id = await has_account(banked)
    await earned(banked, 1)
    await payday(banked)
    await banked.hear(cancelled(version=9, refund_cents=PRICE))
    assert await owed(banked) == -SHARE
    await payday(banked, 2 * HOLD)
    assert len(await made(banked)) == 1
    await earned(banked, 2)
    await payday(banked, 2 * HOLD)
    assert (len(await made(banked)), await owed(banked)) == (1, 0)
    await earned(banked, 3)
    await payday(banked, 2 * HOLD)
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([SHARE, SHARE], 0)
    assert await items(banked) == [SHARE, -SHARE, SHARE, SHARE]


async def test_a_part_that_goes_back_is_a_debt_of_that_part(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await earned(banked, 1)
    await payday(banked)
    await banked.hear(cancelled(version=9, refund_cents=1_000))
    debt = -await owed(banked)
    assert 0 < debt < 1_000
    await earned(banked, 2)
    await payday(banked, 2 * HOLD)
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([SHARE, SHARE - debt], 0)


async def test_what_goes_back_before_is_simply_not_paid_out(banked: Till) -> None:
    await has_account(banked)
    await earned(banked)
    await banked.hear(cancelled(version=9, refund_cents=PRICE))
    await payday(banked)
    assert (await made(banked), await owed(banked)) == ([], 0)
    assert (await banked.payment()).paid_out_version == (await banked.payment()).version


@pytest.mark.parametrize(("evidence", "left"), [("winning_evidence", SHARE), ("losing_evidence", 0)])
async def test_a_dispute_after_the_payout_holds_back_of_the_next_and_a_lost_one_takes_it(
    banked: Till, evidence: str, left: int
) -> None:
    stripe_id = await has_account(banked)
    intent_id = await earned(banked, 1)
    await payday(banked)
    dispute_id = await opens(banked.sandbox, intent_id)
    await check_dispute(banked.outside, stripe_dispute_id=dispute_id)
    await earned(banked, 2)
    await payday(banked, 2 * HOLD)
    assert await arrived(banked, stripe_id) == [SHARE]  # all of the second is held back for the first
    await answers(banked.sandbox, dispute_id, evidence)
    await check_dispute(banked.outside, stripe_dispute_id=dispute_id)
    await earned(banked, 3)
    await payday(banked, 3 * HOLD)
    assert sum(await arrived(banked, stripe_id)) == 2 * SHARE + left
    assert await owed(banked) == 0


async def test_commission_of_what_was_paid_at_the_door_is_set_off(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await banked.hear(held(5, **ON_SITE), completed(5, **ON_SITE))
    await payday(banked)
    assert (await made(banked), await owed(banked)) == ([], -COMMISSION)
    await earned(banked)
    await payday(banked)
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([SHARE - COMMISSION], 0)


async def test_tips_are_paid_out_whole(banked: Till, as_: As) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    headers = as_(customer(CUSTOMER))
    await banked.client.post("/payments/v1/bookings/1/tips", json={"amount_cents": 2_000}, headers=headers)
    await banked.work()
    await paid_tip(banked, 1)
    await payday(banked)
    assert (await arrived(banked, stripe_id), await items(banked)) == ([SHARE + 2_000], [SHARE, 2_000])


async def test_each_currency_is_a_payout_of_its_own(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await banked.sandbox.paid(1_000_000, payment_method=AT_ONCE, currency="eur")
    await earned(banked, 1)
    await earned(banked, 2, currency="EUR")
    await payday(banked)
    assert {(one.currency, one.amount_cents, one.status) for one in await made(banked)} == {
        ("USD", SHARE, "paid"), ("EUR", SHARE, "paid"),
    }  # fmt: skip
    assert await arrived(banked, stripe_id) == [SHARE, SHARE]


# -- once --


@pytest.mark.parametrize("fault", ["drop", "500", "500-stored", "429"])
async def test_whatever_gets_lost_the_money_leaves_once(banked: Till, fault: str) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    await banked.sandbox.break_next(CREATE, fault)
    with pytest.raises(Unanswered):
        await payday(banked)
    await payday(banked)
    assert (await arrived(banked, stripe_id), [one.status for one in await made(banked)]) == ([SHARE], ["paid"])
    assert await owed(banked) == 0


async def test_a_crash_between_answer_and_store_leads_to_the_same_transfer(
    banked: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    stripe_id = await has_account(banked)
    await earned(banked)
    with monkeypatch.context() as patched:
        patched.setattr(payouts, "_keep", crash)
        with pytest.raises(KeyboardInterrupt):
            await payday(banked)
    assert (await owed(banked), [one.status for one in await made(banked)]) == (SHARE, ["pending"])
    await payday(banked)
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([SHARE], 0)


@pytest.mark.parametrize(("effect", "attempts"), [(True, 1), (False, 2)])
async def test_after_a_day_the_call_is_looked_up_and_made_anew_only_if_nothing_came_of_it(
    banked: Till, effect: bool, attempts: int
) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    await banked.sandbox.break_next(CREATE, "drop", effect=effect)
    with pytest.raises(Unanswered):
        await payday(banked)
    await banked.sandbox.control("PUT", "clock", offset_seconds=25 * 3600)
    with frozen(now() + HOLD + timedelta(hours=25)):
        await banked.work()
    assert ([one.attempt for one in await made(banked)], await arrived(banked, stripe_id)) == ([attempts], [SHARE])


async def test_a_call_that_was_given_up_is_made_again(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    await banked.sandbox.break_next(CREATE, "500")
    with pytest.raises(Unanswered):
        await payday(banked)
    async with banked.database.begin() as session:
        await session.execute(text("delete from tasks"))
        await session.execute(text("update payouts set checked_at = now() - interval '2 hours'"))
        await pay_affiliates(session)
    with frozen(now() + HOLD):
        await banked.work()
    assert await arrived(banked, stripe_id) == [SHARE]


# -- refused --


async def test_what_the_provider_refuses_waits_for_a_person_and_is_sent_under_a_new_key(
    banked: Till, as_: As, published: Published
) -> None:
    stripe_id = await has_account(banked)
    await earned(banked, card="pm_card_visa")
    await drain(banked)
    await payday(banked)
    [payout] = await made(banked)
    assert (payout.status, payout.refusal, await owed(banked)) == ("refused", "balance_insufficient", SHARE)
    [told] = await published(PayoutRefused)
    assert (told.payout_id, told.refusal, told.amount_cents) == (payout.id, "balance_insufficient", SHARE)
    await earned(banked, 2)
    await payday(banked, 2 * HOLD)
    assert len(await made(banked)) == 1  # one after the other
    await banked.sandbox.paid(1_000_000, payment_method=AT_ONCE)
    url, stale = f"/payments/v1/payouts/{payout.id}/retry", {"If-Match": '"1"'}
    assert (await banked.client.post(url, headers=as_(SUPPORT) | stale)).status_code == 412
    answer = await banked.client.post(url, headers=as_(SUPPORT))
    assert (answer.status_code, answer.json()["status"], answer.json()["refusal"]) == (200, "pending", None)
    await banked.work()
    again = await banked.client.post(url, headers=as_(ADMIN))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/not-refused")
    [payout] = await made(banked)
    assert (payout.status, payout.attempt, payout.idempotency_key[-8:]) == ("paid", 2, "payout-2")
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([SHARE], SHARE)


async def test_an_account_that_cannot_be_paid_any_more_is_not_tried_again(banked: Till, as_: As) -> None:
    await has_account(banked)
    await earned(banked, card="pm_card_visa")
    await drain(banked)
    await payday(banked)
    async with banked.database.begin() as session:
        await session.execute(text("update payout_accounts set payouts_enabled = false"))
    [payout] = await made(banked)
    refused = await banked.client.post(f"/payments/v1/payouts/{payout.id}/retry", headers=as_(ADMIN))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/account-incomplete")
    assert [one.status for one in await made(banked)] == ["refused"]


# -- seen --


async def test_what_was_paid_out_is_seen_with_what_it_is_made_of(banked: Till, as_: As) -> None:
    await has_account(banked)
    await earned(banked)
    balance = f"/payments/v1/affiliates/{AFFILIATE}/balance"
    manager = as_(member(AFFILIATE, Role.MANAGER))
    [before] = (await banked.client.get(balance, headers=manager)).json()["items"]
    assert (before["payable_cents"], before["due_cents"], before["under_way_cents"]) == (SHARE, 0, 0)
    with frozen(now() + HOLD):
        [due] = (await banked.client.get(balance, headers=as_(member(AFFILIATE, Role.MANAGER)))).json()["items"]
        assert (due["payable_cents"], due["due_cents"]) == (SHARE, SHARE)
    await banked.sandbox.break_next(CREATE, "500")
    with pytest.raises(Unanswered):
        await payday(banked)
    [sent] = (await banked.client.get(balance, headers=manager)).json()["items"]
    assert (sent["payable_cents"], sent["due_cents"], sent["under_way_cents"]) == (SHARE, 0, SHARE)
    await payday(banked)
    [after] = (await banked.client.get(balance, headers=manager)).json()["items"]
    assert (after["payable_cents"], after["due_cents"], after["under_way_cents"]) == (0, 0, 0)
    [shown] = (await banked.client.get(f"/payments/v1/affiliates/{AFFILIATE}/payouts", headers=manager)).json()["items"]
    whole = (await banked.client.get(f"/payments/v1/payouts/{shown['id']}", headers=manager)).json()
    payment = await banked.payment()
    assert whole == shown | {"items": [{"payment_id": payment.id, "amount_cents": SHARE}]}
    of_status = f"/payments/v1/affiliates/{AFFILIATE}/payouts?status=refused"
    assert (await banked.client.get(of_status, headers=manager)).json()["items"] == []


async def test_a_payout_takes_a_fixed_number_of_statements(
    banked: Till, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    """However many payments it is made of."""
    await has_account(banked)
    for booking_id in (1, 2, 3):
        await earned(banked, booking_id)
    async with banked.database.begin() as session:
        await session.execute(text("update payout_accounts set payouts_checked_at = now() - interval '2 hours'"))
    with frozen(now() + HOLD), statements() as sent:
        await payouts.make_payouts(banked.outside)
    assert len(sent) == 8


# -- the checker --


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("update payouts set amount_cents = amount_cents + 1", "its items are"),
        ("update payments set paid_out_cents = 0", "were paid out of it"),
        ("update payouts set status = 'pending', paid_at = null, stripe_transfer_id = null", "in the books"),
    ],
)
async def test_the_checker_sees_what_does_not_fit(banked: Till, planted: str, found: str) -> None:
    await has_account(banked)
    await earned(banked)
    await payday(banked)
    async with banked.database.begin() as session:
        assert await ledger.faults(session) == []
        await session.execute(text(planted))
        session.expunge_all()
        assert [found in fault for fault in await ledger.faults(session)][:1] == [True]
        await session.rollback()


async def test_nobody_is_looked_at_twice_in_an_hour(banked: Till) -> None:
    await has_account(banked)
    await earned(banked)
    await payday(banked, timedelta())
    looked_at = (await account(banked)).payouts_checked_at
    await payouts.make_payouts(banked.outside)
    assert (await account(banked)).payouts_checked_at == looked_at
    async with banked.database.begin() as session:
        assert (await session.scalars(select(Payout))).all() == []


# -- at the same time --


async def test_however_many_look_at_once_it_leaves_once(fresh_banked: Till) -> None:
    """Each in a transaction of its own, all for the same affiliate."""
    till = fresh_banked
    stripe_id = await has_account(till)
    for booking_id in (1, 2, 3):
        await earned(till, booking_id)

    async def look() -> None:
        async with till.database.begin() as session:
            await payouts.pay_out(session, await lock_account_of(session, AFFILIATE), TERMS)

    with frozen(now() + HOLD):
        await asyncio.gather(*(look() for _ in range(8)))
        [payout] = await made(till)
        await asyncio.gather(*(payouts.send_payout(till.outside, payout.id) for _ in range(8)), return_exceptions=True)
        await till.work()
    assert (await arrived(till, stripe_id), await items(till), await owed(till)) == ([3 * SHARE], [SHARE] * 3, 0)
    assert len(await recorded_in(till.database, PaidOut)) == 1


async def test_two_workers_at_once_share_the_affiliates(fresh_banked: Till) -> None:
    till = fresh_banked
    accounts = {id: await has_account(till, id) for id in (31, 32, 33)}
    for id in accounts:
        await earned(till, id, affiliate_id=id)
    async with till.database.begin() as session:
        await session.execute(LOOKED_AT_LONG_AGO)
    with frozen(now() + HOLD):
        await asyncio.gather(*(payouts.make_payouts(till.outside) for _ in range(4)))
        await till.work()
    assert [await arrived(till, stripe_id) for stripe_id in accounts.values()] == [[SHARE]] * 3


async def test_a_refund_at_the_same_moment_is_either_left_out_or_a_debt(fresh_banked: Till) -> None:
    """Nothing in between: what left and what is owed come to what is the affiliate's."""
    till = fresh_banked
    stripe_id = await has_account(till)
    for booking_id in range(1, 7):
        await earned(till, booking_id)
    async with till.database.begin() as session:
        await session.execute(LOOKED_AT_LONG_AGO)
    back = [till.deliver(cancelled(booking_id, version=9, refund_cents=PRICE)) for booking_id in range(1, 6)]
    with frozen(now() + HOLD):
        await asyncio.gather(*back[:3], payouts.make_payouts(till.outside), *back[3:])
        await till.work()
    assert sum(await arrived(till, stripe_id)) + await owed(till) == SHARE
