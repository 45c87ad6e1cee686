"""What customers' banks take back: the money follows, whatever webhooks say and in which order."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from services.payments import jobs
from services.payments.clients import Provider
from services.payments.commands import disputes, ledger
from services.payments.commands.webhooks import handle_webhook
from services.payments.domain.dispute import Dispute, DisputeStatus
from services.payments.domain.ledger import Account
from services.payments.domain.life import Status
from services.payments.domain.payment import InDispute, OverRefund, Payment
from services.payments.domain.provider import ProviderDispute, Unanswered
from services.payments.objects import dispute_of
from services.payments.queries.ledger import balances_of
from shared.auth import Actor, Role
from shared.clock import frozen, now
from shared.contracts.payments import EvidenceDue, PaymentDisputed
from shared.tasks import NotNow
from shared.testing.plugin import Published, recorded_in
from shared.testing.tokens import ADMIN, SUPPORT, customer, member
from tests.sandbox.driver import Driver

from .conftest import AFFILIATE, CUSTOMER, PRICE, As, Till, refund_due

COMMISSION, FEE = 2_835, 1_500
PAYABLE = PRICE - COMMISSION
INQUIRY, NEEDS_RESPONSE, UNDER_REVIEW, WON, LOST, CLOSED = DisputeStatus
MOMENT = datetime(2030, 1, 1, tzinfo=UTC)
OPENED = "charge.dispute.created"
WATCHERS = (ADMIN, member(AFFILIATE), customer(CUSTOMER))


def told(status: str = "needs_response", amount: int = 4_000, withdrawn: int = 4_000, **more: Any) -> ProviderDispute:
    known: dict[str, Any] = {
        "id": "dp_1", "intent_id": "pi_1", "currency": "USD", "reason": "general", "evidence_due_by": MOMENT,
        "fee_cents": FEE, "opened_at": MOMENT,
    }  # fmt: skip
    return ProviderDispute(status=status, amount_cents=amount, withdrawn_cents=withdrawn, **known | more)


def taken(cents: int = 10_000, due: int = 0, disputed: int = 0, lost: int = 0) -> Payment:
    return Payment(
        booking_id=1, customer_id=7, affiliate_id=31, amount_cents=cents, commission_cents=0, tax_cents=0,
        currency="USD", status=Status.CAPTURED, captured_cents=cents, refunds_due_cents=due, disputed_cents=disputed,
        lost_cents=lost, **Payment.intended(),
    )  # fmt: skip


# -- the rules --


@pytest.mark.parametrize(
    ("word", "withdrawn", "status", "disputed", "withheld", "lost"),
    [
        ("warning_needs_response", 0, INQUIRY, 0, 0, 0),
        ("warning_under_review", 0, INQUIRY, 0, 0, 0),
        ("warning_closed", 0, CLOSED, 0, 0, 0),
        ("prevented", 0, CLOSED, 0, 0, 0),
        ("needs_response", 0, NEEDS_RESPONSE, 4_000, 0, 0),
        ("needs_response", 4_000, NEEDS_RESPONSE, 4_000, 4_000, 0),
        ("under_review", 4_000, UNDER_REVIEW, 4_000, 4_000, 0),
        ("appeal_under_review", 4_000, UNDER_REVIEW, 4_000, 4_000, 0),
        ("a word to come", 4_000, UNDER_REVIEW, 4_000, 4_000, 0),
        ("won", 4_000, WON, 4_000, 4_000, 0),
        ("won", 0, WON, 0, 0, 0),
        ("lost", 4_000, LOST, 0, 0, 4_000),
        ("lost", 0, LOST, 0, 0, 0),
    ],
)
def test_what_a_dispute_may_cost_and_has_cost(
    word: str, withdrawn: int, status: DisputeStatus, disputed: int, withheld: int, lost: int
) -> None:
    one = Dispute.about(taken(), told(word, withdrawn=withdrawn))
    assert (one.status, one.disputed_cents, one.withheld_cents, one.lost_cents) == (status, disputed, withheld, lost)


def test_only_what_is_new_is_news() -> None:
    one = Dispute.about(taken(), told())
    assert (one.become(told()), one.version) == (False, 1)
    assert (one.become(told("lost")), one.version, one.lost_cents) == (True, 2, 4_000)


@pytest.mark.parametrize(
    ("due", "disputed", "lost", "cents", "refusal"),
    [
        (0, 4_000, 0, 6_000, None),
        (0, 4_000, 0, 6_001, InDispute),
        (6_000, 4_000, 0, 1, InDispute),
        (6_000, 4_000, 0, 4_001, OverRefund),
        (1_000, 2_000, 3_000, 4_000, None),
        (1_000, 2_000, 3_000, 4_001, InDispute),
        (0, 0, 10_000, 1, InDispute),
        (0, 10_000, 10_000, 1, InDispute),
    ],
)
def test_what_a_bank_has_or_wants_is_not_sent_back_too(
    due: int, disputed: int, lost: int, cents: int, refusal: type[Exception] | None
) -> None:
    one = taken(due=due, disputed=disputed, lost=lost)
    assert (cents <= one.refundable_cents) is (refusal is None)
    if refusal is None:
        one.owe(cents)
        assert one.refunds_due_cents == due + cents
    else:
        with pytest.raises(refusal):
            one.owe(cents)
        assert one.refunds_due_cents == due


@pytest.mark.parametrize(
    ("moves", "withdrawn", "fee"),
    [([], 0, 0), ([(-500, 1_500)], 500, 1_500), ([(-500, 1_500), (500, -1_500)], 0, 0), ([(-500, 0), (200, 0)], 300, 0),
     ([(500, -1)], 0, 0)],
)  # fmt: skip
def test_the_money_of_a_dispute_is_what_its_movements_come_to(
    moves: list[tuple[int, int]], withdrawn: int, fee: int
) -> None:
    read = dispute_of(
        {
            "id": "dp_1", "payment_intent": None, "amount": 500, "currency": "usd", "reason": "general",
            "status": "won", "created": 1, "evidence_details": {"due_by": 0},
            "balance_transactions": [{"amount": amount, "fee": fee} for amount, fee in moves],
        }
    )  # fmt: skip
    assert (read.withdrawn_cents, read.fee_cents, read.evidence_due_by) == (withdrawn, fee, None)


@pytest.mark.parametrize(
    ("days", "given", "told_now", "then"),
    [(3.1, 0, False, 0), (3, 0, True, 1), (3, 1, False, 1), (1.1, 1, False, 1), (1, 1, True, 2), (0.5, 0, True, 2),
     (0.5, 2, False, 2), (0, 0, False, 0), (-1, 1, False, 1)],
)  # fmt: skip
def test_each_reminder_is_given_once_and_none_too_late(days: float, given: int, told_now: bool, then: int) -> None:
    one = Dispute.about(taken(), told())
    one.reminders = given
    assert (one.remind(MOMENT - timedelta(days=days)), one.reminders) == (told_now, then)


@pytest.mark.parametrize("word", ["warning_under_review", "under_review", "won", "lost", "warning_closed"])
def test_of_what_is_answered_or_over_nobody_is_reminded(word: str) -> None:
    one = Dispute.about(taken(), told())
    one.become(told(word))
    assert (one.evidence_due_by, one.remind(MOMENT - timedelta(days=1))) == (None, False)


def test_what_is_opened_late_is_no_reminder() -> None:
    with frozen(MOMENT - timedelta(days=2)):
        one = Dispute.about(taken(), told())
        assert (one.reminders, one.remind(now())) == (1, False)
        assert (one.become(told(evidence_due_by=MOMENT + timedelta(days=9))), one.reminders) == (True, 0)


# -- journeys --


async def disputes_(till: Till) -> list[Dispute]:
    async with till.database.begin() as session:
        return list(await session.scalars(select(Dispute).order_by(Dispute.id)))


async def said(till: Till) -> dict[Account, int]:
    """What the books say, which are right."""
    async with till.database.begin() as session:
        assert await ledger.faults(session) == []
        payment = (await session.scalars(select(Payment))).one()
        return {of: cents for of, cents in (await balances_of(session, payment.id)).items() if cents}


async def opens(sandbox: Driver, intent_id: str, **wanted: Any) -> str:
    """The customer's bank, some day after the payment; the dispute's id."""
    made = await sandbox.control("POST", f"payment_intents/{intent_id}/dispute", **wanted)
    return str(made["id"])


async def answers(sandbox: Driver, dispute_id: str, evidence: str) -> None:
    await sandbox.stripe.disputes.update_async(dispute_id, {"evidence": {"uncategorized_text": evidence}})


async def heard(till: Till, intent_id: str, *kinds: str) -> None:
    for kind in kinds:
        await till.hand_on(intent_id, f"charge.dispute.{kind}")


async def sums(till: Till) -> tuple[int, int, int, int]:
    one = await till.payment()
    return one.disputed_cents, one.withheld_cents, one.lost_cents, one.dispute_fees_cents


async def test_a_dispute_takes_the_money_for_now_and_nobody_loses_yet(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    await opens(till.sandbox, intent_id)
    await heard(till, intent_id, "created")
    assert await said(till) == {
        Account.PROVIDER_CLEARING: -FEE, Account.DISPUTES: PRICE, Account.PROVIDER_FEES: FEE,
        Account.COMMISSION: -COMMISSION, Account.AFFILIATE_PAYABLE: -PAYABLE,
    }  # fmt: skip
    assert await sums(till) == (PRICE, PRICE, 0, FEE)
    [event] = await published(PaymentDisputed)
    assert (event.status, event.booking_id, event.amount_cents, event.withdrawn_cents) == (
        "needs_response", 1, PRICE, PRICE,
    )  # fmt: skip
    assert event.evidence_due_by is not None


@pytest.mark.parametrize(
    ("evidence", "end", "books"),
    [
        ("winning_evidence", "won", {Account.PROVIDER_CLEARING: PRICE, Account.COMMISSION: -COMMISSION,
                                     Account.AFFILIATE_PAYABLE: -PAYABLE}),
        ("losing_evidence", "lost", {Account.PROVIDER_CLEARING: -FEE, Account.PROVIDER_FEES: FEE}),
    ],
)  # fmt: skip
async def test_won_it_comes_back_and_lost_all_bear_it(
    till: Till, published: Published, evidence: str, end: str, books: dict[Account, int]
) -> None:
    intent_id = await till.captured()
    dispute_id = await opens(till.sandbox, intent_id)
    await heard(till, intent_id, "created", "funds_withdrawn")
    await answers(till.sandbox, dispute_id, evidence)
    await heard(till, intent_id, "updated", "closed")
    assert await said(till) == books
    events = await published(PaymentDisputed)
    assert [(event.version, event.status) for event in events] == [(1, "needs_response"), (2, end)]
    assert (await till.payment()).attention is None


async def test_a_part_that_is_lost_is_carried_in_proportion(till: Till) -> None:
    intent_id = await till.captured()
    dispute_id = await opens(till.sandbox, intent_id, amount=PRICE // 3)
    await answers(till.sandbox, dispute_id, "losing_evidence")
    await heard(till, intent_id, "closed")
    assert await said(till) == {
        Account.PROVIDER_CLEARING: PRICE * 2 // 3 - FEE, Account.PROVIDER_FEES: FEE,
        Account.COMMISSION: -COMMISSION * 2 // 3, Account.AFFILIATE_PAYABLE: -PAYABLE * 2 // 3,
    }  # fmt: skip


async def reminded(till: Till, at: datetime, published: Published) -> int:
    """How many reminders there have been once the job was there, twice."""
    with frozen(at):
        for _ in range(2):
            async with till.database.begin() as session:
                await jobs.remind_of_evidence(session)
    return len(await published(EvidenceDue))


@pytest.mark.parametrize("inquiry", [True, False])
async def test_before_it_is_too_late_to_answer_it_is_said_again(
    till: Till, published: Published, inquiry: bool
) -> None:
    intent_id = await till.captured()
    dispute_id = await opens(till.sandbox, intent_id, inquiry=inquiry)
    await heard(till, intent_id, "created")
    [one] = await disputes_(till)
    due = one.evidence_due_by
    assert due is not None
    before = [due - timedelta(days=days) for days in (3.01, 2.99, 1.01)]
    assert [await reminded(till, at, published) for at in before] == [0, 1, 1]
    [event] = await published(EvidenceDue)
    assert (event.dispute_id, event.evidence_due_by, event.version) == (one.id, due, 2)
    await answers(till.sandbox, dispute_id, "some evidence")
    await heard(till, intent_id, "updated")
    assert await reminded(till, due - timedelta(hours=1), published) == 1


async def test_the_last_day_is_said_once_more(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    await opens(till.sandbox, intent_id)
    await heard(till, intent_id, "created")
    due = (await disputes_(till))[0].evidence_due_by
    assert due is not None
    times = [due - timedelta(days=days) for days in (2, 0.9, 0.1, -0.1)]
    assert [await reminded(till, at, published) for at in times] == [1, 2, 2, 2]
    await heard(till, intent_id, "created")
    assert len(await published(PaymentDisputed)) == 1


async def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    dispute_id = await opens(till.sandbox, intent_id, inquiry=True)
    await heard(till, intent_id, "created")
    assert await sums(till) == (0, 0, 0, 0)
    await answers(till.sandbox, dispute_id, "escalate_inquiry_evidence")
    await heard(till, intent_id, "funds_withdrawn")
    assert await sums(till) == (PRICE, PRICE, 0, FEE)
    assert [event.status for event in await published(PaymentDisputed)] == ["inquiry", "needs_response"]


async def test_two_disputes_of_one_payment_add_up(till: Till) -> None:
    intent_id = await till.captured()
    first, _ = [await opens(till.sandbox, intent_id, amount=amount) for amount in (1_000, 2_000)]
    await answers(till.sandbox, first, "losing_evidence")
    for number in range(2):
        await till.post(await till.webhook(intent_id, OPENED, number))
        await till.work()
    assert await sums(till) == (2_000, 2_000, 1_000, 2 * FEE)
    assert await said(till)


# -- webhooks: twice, late, in reverse, never --


async def test_in_any_order_and_twice_it_ends_in_what_is_true_now(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    dispute_id = await opens(till.sandbox, intent_id)
    await answers(till.sandbox, dispute_id, "winning_evidence")
    kinds = ("funds_reinstated", "closed", "updated", "funds_withdrawn", "created")
    await heard(till, intent_id, *kinds, *kinds[::-1])
    [one] = await disputes_(till)
    assert (one.status, one.version, await sums(till)) == (WON, 1, (0, 0, 0, 0))
    assert [event.status for event in await published(PaymentDisputed)] == ["won"]
    assert await said(till)


async def test_of_two_who_ask_at_once_the_older_answer_does_not_win(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent_id = await till.captured()
    dispute_id = await opens(till.sandbox, intent_id)
    await heard(till, intent_id, "created")
    settle = disputes._settle

    async def another_is_faster(*late: Any) -> None:
        monkeypatch.setattr(disputes, "_settle", settle)
        await answers(till.sandbox, dispute_id, "losing_evidence")
        await disputes.check_dispute(till.outside, dispute_id)
        await settle(*late)

    monkeypatch.setattr(disputes, "_settle", another_is_faster)
    with pytest.raises(NotNow):
        await disputes.check_dispute(till.outside, dispute_id)
    assert [one.status for one in await disputes_(till)] == [LOST]


@pytest.mark.parametrize("step", ["_settle", "_count"])
async def test_a_crash_between_answer_and_store_is_made_good(
    till: Till, monkeypatch: pytest.MonkeyPatch, published: Published, step: str
) -> None:
    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    intent_id = await till.captured()
    await opens(till.sandbox, intent_id)
    await till.post(await till.webhook(intent_id, OPENED))
    with monkeypatch.context() as patched:
        patched.setattr(disputes, step, crash)
        with pytest.raises(KeyboardInterrupt):
            await till.work()
    assert (await disputes_(till), await sums(till), await published(PaymentDisputed)) == ([], (0, 0, 0, 0), [])
    await till.work()
    assert (len(await published(PaymentDisputed)), await sums(till)) == (1, (PRICE, PRICE, 0, FEE))
    assert await said(till)


async def test_many_who_ask_at_once_write_it_down_once(fresh_till: Till) -> None:
    intent_id = await fresh_till.captured()
    dispute_id = await opens(fresh_till.sandbox, intent_id)
    calls = (disputes.check_dispute(fresh_till.outside, dispute_id) for _ in range(8))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} <= {type(None), NotNow}
    assert len(await recorded_in(fresh_till.database, PaymentDisputed)) == 1
    assert await said(fresh_till)


async def test_a_provider_that_is_silent_is_asked_again(till: Till) -> None:
    intent_id = await till.captured()
    await opens(till.sandbox, intent_id)
    await till.sandbox.break_next("disputes.retrieve", "500")
    await till.post(await till.webhook(intent_id, OPENED))
    with pytest.raises(Unanswered):
        await till.work()
    await till.work()
    assert [one.status for one in await disputes_(till)] == [NEEDS_RESPONSE]


async def test_a_dispute_before_we_know_of_the_money_waits(till: Till) -> None:
    intent_id = await till.ready()
    await till.sandbox.confirm(intent_id, "pm_card_createDispute")
    await till.post(await till.webhook(intent_id, OPENED))
    await till.work()
    assert (await disputes_(till), await till.waiting()) == ([], ["check_dispute"])
    await till.post(await till.webhook(intent_id, "payment_intent.succeeded"))
    await handle_webhook(till.outside, (await till.webhooks())[-1].id)
    await till.work()
    assert ([one.status for one in await disputes_(till)], await till.waiting()) == ([NEEDS_RESPONSE], [])
    assert await said(till)


async def test_webhooks_that_never_came_are_healed_by_asking(till: Till, published: Published) -> None:
    intent_id = await till.captured()
    dispute_id = await opens(till.sandbox, intent_id)
    for _ in range(2):
        async with till.database.begin() as session:
            await jobs.look_for_disputes(session)
        await till.work()
    assert [one.stripe_dispute_id for one in await disputes_(till)] == [dispute_id]
    await answers(till.sandbox, dispute_id, "losing_evidence")
    for expected in ([], ["check_quiet_dispute"], []):
        async with till.database.begin() as session:
            await jobs.ask_about_open_disputes(session)
        assert await till.waiting() == expected
        await till.work()
        async with till.database.begin() as session:
            await session.execute(text("update disputes set checked_at = now() - interval '2 hours'"))
    assert [event.status for event in await published(PaymentDisputed)] == ["needs_response", "lost"]
    assert await said(till)


async def test_what_others_charged_is_foreign(till: Till) -> None:
    paid = await till.sandbox.paid()
    await opens(till.sandbox, paid.id)
    await till.hand_on(paid.id, OPENED)
    await disputes.find_unknown_disputes(till.outside)
    assert ([hook.outcome for hook in await till.webhooks()], await disputes_(till), await till.waiting()) == (
        ["foreign"], [], [],
    )  # fmt: skip


# -- with refunds --


async def test_what_booking_wants_back_of_disputed_money_calls_a_person(till: Till) -> None:
    intent_id = await till.captured()
    await opens(till.sandbox, intent_id, amount=1_000)
    await heard(till, intent_id, "created")
    await till.hear(refund_due(refund_cents=PRICE - 1_000), refund_due(version=5, refund_cents=1_000))
    payment = await till.payment()
    assert (payment.refunded_cents, payment.attention) == (
        PRICE - 1_000,
        "Booking 1: 1000 should go back. The customer's bank wants so much of this payment, or has it, that this"
        " cannot go back too.",
    )
    assert await said(till)


async def test_what_a_bank_takes_of_what_has_gone_back_calls_a_person_and_the_customer_owes_it(till: Till) -> None:
    intent_id = await till.captured()
    await till.hear(refund_due())
    dispute_id = await opens(till.sandbox, intent_id, amount=5_000)
    await heard(till, intent_id, "created")
    assert "twice" in ((await till.payment()).attention or "")
    await answers(till.sandbox, dispute_id, "losing_evidence")
    await heard(till, intent_id, "closed")
    assert await said(till) == {
        Account.PROVIDER_CLEARING: -5_000 - FEE, Account.PROVIDER_FEES: FEE, Account.CUSTOMER_RECEIVABLE: 5_000,
    }  # fmt: skip


async def test_staff_cannot_send_back_what_a_bank_has(till: Till, as_: As) -> None:
    intent_id = await till.captured()
    await opens(till.sandbox, intent_id, amount=1_000)
    await heard(till, intent_id, "created")
    path = f"/payments/v1/payments/{(await till.payment()).id}/refund-requests"
    body = {"amount_cents": PRICE, "reason": "The team came two hours late."}
    answer = await till.client.post(path, json=body, headers=as_(ADMIN))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/in-dispute")
    own = path.removesuffix("/refund-requests")
    shown = [await till.client.get(own, headers=as_(who)) for who in WATCHERS]
    assert [one.json()["refundable_cents"] for one in shown] == [PRICE - 1_000, PRICE - 1_000, None]


async def test_refunds_and_a_dispute_at_once_never_lose_a_cent(fresh_till: Till) -> None:
    intent_id = await fresh_till.captured()
    dispute_id = await opens(fresh_till.sandbox, intent_id, amount=10_000)
    await asyncio.gather(
        disputes.check_dispute(fresh_till.outside, dispute_id),
        *(fresh_till.deliver(refund_due(version=4 + number, refund_cents=6_000)) for number in range(3)),
        return_exceptions=True,
    )
    await fresh_till.work()
    await disputes.check_dispute(fresh_till.outside, dispute_id)
    assert await said(fresh_till)
    payment = await fresh_till.payment()
    totals = await fresh_till.sandbox.totals(intent_id)
    assert (payment.refunded_cents, payment.withheld_cents) == (totals["refunded"], 10_000)
    assert payment.refunds_due_cents == payment.refunded_cents


# -- the checker --


@pytest.mark.parametrize("wrong", ["lost_cents = lost_cents + 1", "disputed_cents = disputed_cents + 1"])
async def test_the_checker_sees_a_payment_that_is_not_what_its_disputes_come_to(till: Till, wrong: str) -> None:
    intent_id = await till.captured()
    await opens(till.sandbox, intent_id)
    await heard(till, intent_id, "created")
    assert await said(till)
    async with till.database.begin() as session:
        await session.execute(text(f"update payments set {wrong}"))  # noqa: S608 - our own
        assert [fault for fault in await ledger.faults(session) if "disputes come to" in fault]


# -- who sees it --


@pytest.mark.parametrize(
    ("actor", "sees"),
    [
        pytest.param(ADMIN, True, id="admin"),
        pytest.param(SUPPORT, True, id="support"),
        pytest.param(member(AFFILIATE), True, id="owner"),
        pytest.param(member(AFFILIATE, Role.MANAGER), True, id="manager"),
        pytest.param(member(AFFILIATE, Role.TECHNICIAN), False, id="technician"),
        pytest.param(member(AFFILIATE + 1), False, id="rival"),
        pytest.param(customer(CUSTOMER), False, id="customer"),
    ],
)
async def test_staff_see_all_and_affiliates_their_own(
    till: Till, as_: As, statements: Callable[[], AbstractContextManager[list[str]]], actor: Actor, sees: bool
) -> None:
    intent_id = await till.captured()
    dispute_id = await opens(till.sandbox, intent_id, reason="product_not_received")
    await heard(till, intent_id, "created")
    with statements() as sent:
        answer = await till.client.get("/payments/v1/disputes?status=needs_response", headers=as_(actor))
    listed = answer.json()["items"]
    assert len(sent) == 1
    [own] = await disputes_(till)
    one = await till.client.get(f"/payments/v1/disputes/{own.id}", headers=as_(actor))
    assert ([item["stripe_dispute_id"] for item in listed], one.status_code) == (
        ([dispute_id], 200) if sees else ([], 404)
    )
    if sees:
        assert (one.json(), one.headers["etag"], one.json()["reason"]) == (listed[0], '"1"', "product_not_received")
        none = await till.client.get("/payments/v1/disputes?status=won", headers=as_(actor))
        assert none.json()["items"] == []


async def test_what_waits_for_evidence_is_listed_by_the_day_on_which_it_is_due(till: Till, as_: As) -> None:
    made = []
    for booking_id in (1, 2, 3, 4):
        intent_id = await till.captured(booking_id)
        made.append(await opens(till.sandbox, intent_id))
        await heard(till, intent_id, "created")
    due = now() + timedelta(days=1)
    async with till.database.begin() as session:
        for dispute_id, change in zip(made, (2, 1, 3, None), strict=True):
            of = update(Dispute).where(Dispute.stripe_dispute_id == dispute_id)
            changed = {"evidence_due_by": due + timedelta(days=change)} if change else {"status": "under_review"}
            await session.execute(of.values(changed))
    path, listed = "/payments/v1/disputes?waiting=true&limit=2", []
    while path:
        answer = (await till.client.get(path, headers=as_(SUPPORT))).json()
        listed += [item["stripe_dispute_id"] for item in answer["items"]]
        path = answer["next"] and f"/payments/v1/disputes?waiting=true&limit=2&cursor={answer['next']}"
    assert listed == [made[1], made[0], made[2]]


async def test_what_disputes_may_take_is_shown_as_held_back(till: Till, as_: As) -> None:
    intent_id = await till.captured()
    await opens(till.sandbox, intent_id, amount=PRICE // 3)
    await heard(till, intent_id, "created")
    path = f"/payments/v1/affiliates/{AFFILIATE}/balance"
    [balance] = (await till.client.get(path, headers=as_(member(AFFILIATE)))).json()["items"]
    assert (balance["payable_cents"], balance["held_back_cents"]) == (PAYABLE, PAYABLE // 3)


async def test_asking_without_an_answer_changes_nothing(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: object) -> None:
        raise Unanswered("nobody")

    await till.captured()
    monkeypatch.setattr(Provider, "disputes_since", silent)
    await disputes.find_unknown_disputes(till.outside)
    assert await till.waiting() == []


def test_it_looks_further_back_than_webhooks_are_sent_again() -> None:
    assert timedelta(days=3) < disputes.LOOKS_BACK
