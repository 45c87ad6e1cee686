"""The books: what follows from a payment's row, and that nobody can write them otherwise."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from services.payments.commands import ledger
from services.payments.domain.ledger import Account, Journal, Posting, books_of, held_back, is_rounding, step
from services.payments.domain.life import Status
from services.payments.domain.payment import Payment
from services.payments.jobs import round_ledger
from services.payments.queries.ledger import balances_of
from shared.auth import Actor, Role
from shared.testing.tokens import ADMIN, customer, member

from .conftest import AFFILIATE, PRICE, As, Till, cancelled

COMMISSION, TAX = 2_835, 1_400


def row(taken: int, commission: int, tax: int, due: int = 0, refunded: int = 0, **more: Any) -> Payment:
    return Payment(
        booking_id=1, customer_id=7, affiliate_id=31, amount_cents=taken, commission_cents=commission, tax_cents=tax,
        currency="USD", status=Status.CAPTURED, captured_cents=taken, refunds_due_cents=due, refunded_cents=refunded,
        **Payment.intended(), **more,
    )  # fmt: skip


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    taken = draw(st.integers(0, 10**8))
    tax = draw(st.integers(0, taken))
    due = draw(st.integers(0, taken))
    disputed, lost = draw(st.integers(0, taken)), draw(st.integers(0, taken))
    banks = {"disputed_cents": disputed, "withheld_cents": draw(st.integers(0, disputed)), "lost_cents": lost}
    fees = {"dispute_fees_cents": draw(st.integers(0, 3_000))}
    return row(taken, draw(st.integers(0, taken - tax)), tax, due, draw(st.integers(0, due)), **banks, **fees)


# Both a cent of the commission and one of the tax are lost with the cent in dispute.
@example(row(807, 150, 126, disputed_cents=1, lost_cents=336))
@given(payments())
def test_the_books_of_a_payment_add_up_and_nobody_is_left_owing(payment: Payment) -> None:
    books = books_of(payment)
    assert sum(books.values()) == 0
    gone = payment.refunds_due_cents + payment.lost_cents
    kept = max(payment.captured_cents - gone, 0)
    assert all(-kept <= books[of] <= 0 for of in (Account.COMMISSION, Account.TAX, Account.AFFILIATE_PAYABLE))
    assert books[Account.CUSTOMER_RECEIVABLE] == max(gone - payment.captured_cents, 0)
    with_banks = payment.withheld_cents + payment.lost_cents + payment.dispute_fees_cents
    assert books[Account.PROVIDER_CLEARING] == payment.captured_cents - payment.refunded_cents - with_banks
    assert 0 <= held_back(payment) <= -books[Account.AFFILIATE_PAYABLE]


@given(payments())
def test_what_is_held_back_is_what_losing_would_cost(payment: Payment) -> None:
    waits, before = held_back(payment), -books_of(payment)[Account.AFFILIATE_PAYABLE]
    payment.lost_cents += payment.disputed_cents
    payment.disputed_cents = payment.withheld_cents = 0
    assert (held_back(payment), -books_of(payment)[Account.AFFILIATE_PAYABLE]) == (0, before - waits)


@given(payments())
def test_all_of_it_back_leaves_nothing_with_anybody(payment: Payment) -> None:
    payment.refunds_due_cents = payment.refunded_cents = payment.captured_cents
    payment.disputed_cents = payment.withheld_cents = payment.lost_cents = payment.dispute_fees_cents = 0
    assert not any(books_of(payment).values())


@given(payments())
def test_all_of_it_lost_leaves_nothing_with_anybody(payment: Payment) -> None:
    payment.refunds_due_cents = payment.refunded_cents = payment.disputed_cents = payment.withheld_cents = 0
    payment.lost_cents, payment.dispute_fees_cents = payment.captured_cents, 0
    assert not any(books_of(payment).values())


@given(payments(), payments())
def test_a_step_leads_from_any_books_to_those_that_are_right(before: Payment, after: Payment) -> None:
    said = books_of(before)
    changes = step(said, after)
    assert {of: said[of] + changes.get(of, 0) for of in said} == books_of(after)
    assert step(books_of(after), after) == {}


def test_a_refund_of_a_third_is_carried_by_all_in_proportion() -> None:
    books = books_of(row(10_000, 1_500, 800, due=3_333, refunded=3_333))
    assert {of: cents for of, cents in books.items() if cents} == {
        Account.PROVIDER_CLEARING: 6_667,
        Account.COMMISSION: -1_000,
        Account.TAX: -533,
        Account.AFFILIATE_PAYABLE: -5_134,
    }


async def said(till: Till) -> dict[Account, int]:
    async with till.database.begin() as session:
        payment = (await session.scalars(select(Payment))).one()
        assert await ledger.faults(session) == []
        return {of: cents for of, cents in (await balances_of(session, payment.id)).items() if cents}


async def journals(till: Till) -> list[str]:
    async with till.database.begin() as session:
        return list(await session.scalars(select(Journal.fact).order_by(Journal.id)))


async def test_money_that_comes_and_goes_is_written_down_once(till: Till, as_: As) -> None:
    intent_id = await till.ready(tax_cents=TAX)
    assert await journals(till) == []
    await till.sandbox.confirm(intent_id)
    hook = await till.hand_on(intent_id, "payment_intent.succeeded")
    payable = -(PRICE - COMMISSION - TAX)
    parts = {Account.COMMISSION: -COMMISSION, Account.TAX: -TAX, Account.AFFILIATE_PAYABLE: payable}
    assert await said(till) == {Account.PROVIDER_CLEARING: PRICE, **parts}
    await till.post(hook)
    await till.work()
    assert len(await journals(till)) == 1
    await till.deliver(cancelled(refund_cents=PRICE))
    assert await said(till) == {Account.PROVIDER_CLEARING: PRICE, Account.REFUNDS: -PRICE}
    await till.work()
    await till.hand_on(intent_id, "refund.created")
    assert await said(till) == {}
    assert len(await journals(till)) == 3


async def test_a_balance_is_what_an_affiliate_is_to_be_paid(till: Till, as_: As) -> None:
    path = f"/payments/v1/affiliates/{AFFILIATE}/balance"
    owner = as_(member(AFFILIATE))
    assert (await till.client.get(path, headers=owner)).json() == {"items": []}
    await till.captured(1, tax_cents=TAX)
    await till.captured(2, tax_cents=TAX)
    nothing = {"held_back_cents": 0, "under_way_cents": 0, "due_cents": 0, "held_because": None}
    expected = {"items": [{"currency": "USD", "payable_cents": 2 * (PRICE - COMMISSION - TAX), **nothing}]}
    assert (await till.client.get(path, headers=owner)).json() == expected
    assert (await till.client.get(path, headers=as_(ADMIN))).json() == expected


@pytest.mark.parametrize("who", [customer(7), member(AFFILIATE, Role.TECHNICIAN), member(AFFILIATE + 1)])
async def test_nobody_else_sees_it(till: Till, as_: As, who: Actor) -> None:
    answer = await till.client.get(f"/payments/v1/affiliates/{AFFILIATE}/balance", headers=as_(who))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-your-books")


@pytest.mark.parametrize(("about", "wrong"), [(True, "does not balance"), (False, "ck_journals_about")])
async def test_books_that_do_not_add_up_or_are_about_nothing_cannot_be_committed(
    fresh_till: Till, about: bool, wrong: str
) -> None:
    await fresh_till.ready()
    payment = await fresh_till.payment()
    with pytest.raises(IntegrityError, match=wrong):
        async with fresh_till.database.begin() as session:
            journal = Journal(fact="thin air", payment_id=payment.id if about else None, currency="USD")
            journal.postings.append(Posting(account=Account.COMMISSION, affiliate_id=None, amount_cents=-1))
            session.add(journal)
    assert await journals(fresh_till) == []


@pytest.mark.parametrize(
    "change",
    ["update postings set amount_cents = 1", "delete from postings", "delete from journals", "truncate postings"],
)
async def test_what_is_written_stays_written(till: Till, change: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with till.database.begin() as session:
            await session.execute(text(change))


async def test_money_taken_before_there_were_books_is_written_down(till: Till) -> None:
    await till.captured(1)
    async with till.database.begin() as session:
        old = (await session.scalars(select(Payment))).one()
        before = row(PRICE, COMMISSION, 0, due=PRICE, refunded=PRICE - 1)
        before.booking_id = 99
        session.add(before)
        await session.flush()
        [fault] = await ledger.faults(session)
        assert "booking 99 is off" in fault
        for _ in range(2):
            await ledger.mend(session, limit=10)
            await session.flush()
        assert await ledger.faults(session) == []
        assert await session.scalar(select(func.count()).select_from(Journal)) == 2
        old.captured_cents -= 1  # the negative control: the checker sees a cent
        assert await ledger.faults(session) == [
            f"payment {old.id} of booking 1 is off: provider_clearing by 1, affiliate_payable by -1"
        ]
        await session.rollback()


@pytest.mark.parametrize(
    ("changes", "rounding"),
    [
        ({}, False),
        ({Account.COMMISSION: 1, Account.AFFILIATE_PAYABLE: -1}, True),
        ({Account.TAX: -1, Account.COMMISSION: 1}, True),
        ({Account.COMMISSION: 2, Account.AFFILIATE_PAYABLE: -2}, False),
        ({Account.PROVIDER_CLEARING: 1, Account.AFFILIATE_PAYABLE: -1}, False),
    ],
)
def test_a_rounding_is_a_cent_among_those_who_share(changes: dict[Account, int], rounding: bool) -> None:
    assert is_rounding(changes) is rounding


def rounded_each_for_itself(payment: Payment) -> dict[Account, int]:
    """The books as an earlier release wrote them."""
    taken, left = payment.captured_cents, payment.captured_cents - payment.refunds_due_cents
    tax = (payment.tax_cents * left * 2 + taken) // (2 * taken)
    commission = min((payment.commission_cents * left * 2 + taken) // (2 * taken), left - tax)
    shares = {Account.TAX: -tax, Account.COMMISSION: -commission, Account.AFFILIATE_PAYABLE: tax + commission - left}
    return {**books_of(payment), **shares}


async def test_shares_that_an_earlier_release_rounded_otherwise_are_put_right_once(till: Till) -> None:
    async with till.database.begin() as session:
        old = [row(807, 150, 126, due=337, refunded=337) for _ in range(3)]
        for booking, payment in enumerate(old, start=90):
            payment.booking_id = booking
            session.add(payment)
            await session.flush()
            changes = {of: cents for of, cents in rounded_each_for_itself(payment).items() if cents}
            if payment is old[2]:  # off by more than a rounding: nobody puts that right unseen
                changes[Account.COMMISSION] -= 5
                changes[Account.AFFILIATE_PAYABLE] += 5
            session.add(Journal.about(payment, changes, fact=f"payment:{payment.id}:1:mended"))
        await session.flush()
        assert len(await ledger.faults(session)) == 3
    for times in (1, 2):
        async with till.database.begin() as session:
            await round_ledger(session)
        await till.work()
        async with till.database.begin() as session:
            [left] = await ledger.faults(session)
            assert ("booking 92 is off" in left, len(await journals(till))) == (True, 5), times
