"""What comes back of payouts: a refund after the transfer is set off, or taken back when nothing sets it off; and what
somebody reverses at the provider is owed again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from services.payments.commands import events, ledger
from services.payments.commands.reconciliation import clear_attention
from services.payments.domain.comparison import Kind, differences_of_payout
from services.payments.domain.entry import Entry
from services.payments.domain.ledger import Account
from services.payments.domain.payout import Payout, PayoutStatus
from services.payments.domain.provider import Unanswered
from services.payments.domain.reversal import Part, Reversal, shared_out
from services.payments.jobs import take_back_debts
from services.payments.queries.ledger import trial_balance
from shared.clock import frozen, now
from shared.contracts.payments import PayoutReversed
from shared.ids import new_id
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN

from .conftest import AFFILIATE, PRICE, As, Till, cancelled
from .payday import HOLD, SHARE, arrived, earned, has_account, made, owed, payday
from .yesterday import compared, found, sql

WAIT = timedelta(days=31)
CREATE = "transfers.reversals.create"


# -- the rules --


def payout(status: str = "paid", back: int = 0) -> Payout:
    return Payout(
        affiliate_id=31, currency="USD", amount_cents=9_000, stripe_account_id="acct_1", status=PayoutStatus(status),
        stripe_transfer_id="tr_1", reversed_cents=back, **Payout.intended(),
    )  # fmt: skip


def moved(*amounts: int, currency: str = "USD") -> list[Entry]:
    known: dict[str, Any] = {"source_id": "tr_1", "intent_id": None, "reference": None, "booked_at": now()}
    return [
        Entry(stripe_id=f"txn_{i}", type="transfer", amount_cents=cents, fee_cents=0, currency=currency, **known)
        for i, cents in enumerate(amounts)
    ]


@pytest.mark.parametrize(
    ("of", "entries", "kinds"),
    [
        (payout(), moved(-9_000), []),
        (payout(), [], [Kind.TRANSFER_MISSING]),
        (payout("reversed", 9_000), [], [Kind.TRANSFER_MISSING]),
        (payout(), moved(-8_999), [Kind.WRONG_AMOUNT]),
        (payout(), moved(-9_000, -9_000), [Kind.WRONG_AMOUNT]),
        (payout(), moved(-9_000, currency="EUR"), [Kind.WRONG_CURRENCY]),
        (payout(), moved(-9_000, 4_000), [Kind.WRONG_AMOUNT]),
        (payout(back=4_000), moved(-9_000, 4_000), []),
        (payout(back=4_000), moved(-9_000), [Kind.WRONG_AMOUNT]),
        (payout("reversed", 9_000), moved(-9_000, 9_000), []),
        (payout("pending"), [], []),
        (payout("pending"), moved(-9_000), []),
        (payout("refused"), moved(-9_000), [Kind.WRONG_AMOUNT]),
    ],
)
def test_a_transfer_is_compared_with_its_payout(of: Payout, entries: list[Entry], kinds: list[Kind]) -> None:
    assert [one.kind for one in differences_of_payout(of, entries)] == kinds


def test_what_comes_back_is_no_more_than_is_left() -> None:
    parts = [Part(1, 5, 700, 500), Part(1, 6, 400, 500), Part(2, 5, 300, 900)]
    assert [(part.payout_id, part.payment_id, cents) for part, cents in shared_out(600, parts)] == [
        (1, 5, 500), (2, 5, 100),
    ]  # fmt: skip
    assert sum(cents for _, cents in shared_out(9_999, parts)) == 800


# -- debts --


async def waits(till: Till, after: timedelta = WAIT) -> None:
    """A month in which nothing else is earned, and what a worker does then."""
    with frozen(now() + after):
        async with till.database.begin() as session:
            await take_back_debts(session)
        await till.work()


async def reversals(till: Till) -> list[Reversal]:
    async with till.database.begin() as session:
        return list(await session.scalars(select(Reversal).order_by(Reversal.id)))


async def came_back(till: Till) -> list[int]:
    """By the provider."""
    [payout] = await made(till)
    page = await till.sandbox.stripe.transfers.reversals.list_async(str(payout.stripe_transfer_id))
    return [one.amount for one in page.data]


async def with_provider(till: Till) -> tuple[int, int]:
    """By our books, before fees, and by its own."""
    there = (await till.sandbox.http.get("/_sandbox/ledger")).json()
    async with till.database.begin() as session:
        said = {account: cents for _, account, cents in await trial_balance(session)}
    fees = said.get(Account.PROVIDER_FEES, 0)
    return said[Account.PROVIDER_CLEARING] + fees, there["balance"]["usd"] + there["fees"]["usd"]


async def test_a_refund_that_no_payout_sets_off_is_taken_back_from_the_transfer(
    alone: Till, published: Published, as_: As
) -> None:
    """After a month, once, to the cent; a part stays paid."""
    await alone.sandbox.paid(50_000, payment_method="pm_card_bypassPending")
    await has_account(alone)
    await earned(alone)
    await payday(alone)
    await alone.hear(cancelled(version=9, refund_cents=1_000))
    debt = -await owed(alone)
    await waits(alone, timedelta(days=29))
    assert (await came_back(alone), await owed(alone)) == ([], -debt)
    for _ in range(2):
        await waits(alone)
        assert (await came_back(alone), await owed(alone)) == ([debt], 0)
    [payout] = await made(alone)
    assert (payout.status, payout.reversed_cents) == (PayoutStatus.PAID, debt)
    assert (await alone.payment()).paid_out_cents == SHARE - debt
    [told] = await published(PayoutReversed)
    assert (told.payout_id, told.back_cents, told.status) == (payout.id, debt, "paid")
    await alone.hand_on(str(payout.stripe_transfer_id), "transfer.reversed")
    assert (await owed(alone), len(await reversals(alone))) == (0, 1)
    assert len({*(await with_provider(alone))}) == 2  # what others have paid is not in our books
    ours, there = await with_provider(alone)
    assert there - ours == 50_000
    path = f"/payments/v1/affiliates/{AFFILIATE}/statements/{now() + WAIT:%Y-%m}"
    with frozen(now() + WAIT):
        [account] = (await alone.client.get(path, headers=as_(ADMIN))).json()["accounts"]
    assert [line["amount_cents"] for line in account["lines"] if line["kind"] == "reversal"] == [debt]
    assert account["closing_cents"] == 0


async def test_what_the_next_payout_sets_off_is_not_taken_back(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await earned(banked, 1)
    await payday(banked)
    await banked.hear(cancelled(version=9, refund_cents=PRICE))
    await earned(banked, 2)
    await earned(banked, 3)
    await waits(banked)
    assert await reversals(banked) == []
    await payday(banked, WAIT)
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([SHARE, SHARE], 0)


async def test_all_of_it_back_is_a_payout_that_is_reversed(banked: Till) -> None:
    await has_account(banked)
    await earned(banked)
    await payday(banked)
    await banked.hear(cancelled(version=9, refund_cents=PRICE))
    await waits(banked)
    [payout] = await made(banked)
    assert (payout.status, await came_back(banked), await owed(banked)) == ("reversed", [SHARE], 0)
    await earned(banked, 2)
    await payday(banked, WAIT)
    assert [one.status for one in await made(banked)] == ["reversed", "paid"]


async def test_each_debt_waits_for_itself(banked: Till) -> None:
    await has_account(banked)
    await earned(banked, 1)
    await earned(banked, 2)
    await payday(banked)
    await banked.hear(cancelled(1, version=9, refund_cents=PRICE))
    with frozen(now() + timedelta(days=20)):
        await banked.hear(cancelled(2, version=9, refund_cents=PRICE))
    await waits(banked)
    assert (await came_back(banked), await owed(banked)) == ([SHARE], -SHARE)
    await waits(banked, timedelta(days=51))
    assert (await came_back(banked), await owed(banked)) == ([SHARE, SHARE], 0)


@pytest.mark.parametrize("fault", ["drop", "500", "500-stored"])
async def test_whatever_gets_lost_it_comes_back_once(banked: Till, fault: str) -> None:
    await has_account(banked)
    await earned(banked)
    await payday(banked)
    await banked.hear(cancelled(version=9, refund_cents=PRICE))
    await banked.sandbox.break_next(CREATE, fault)
    with pytest.raises(Unanswered):
        await waits(banked)
    await banked.work()
    assert (await came_back(banked), await owed(banked)) == ([SHARE], 0)


async def test_what_an_account_cannot_give_back_goes_on_being_owed(banked: Till) -> None:
    """And is set off by a later payout, or tried again after another month."""
    stripe_id = await has_account(banked)
    await earned(banked)
    await payday(banked)
    await banked.hear(cancelled(version=9, refund_cents=PRICE))
    [payout] = await made(banked)
    await sql(banked, "update payouts set stripe_transfer_id = 'tr_none'")
    await waits(banked)
    assert ([one.status for one in await reversals(banked)], await owed(banked)) == (["refused"], -SHARE)
    await sql(banked, f"update payouts set stripe_transfer_id = '{payout.stripe_transfer_id}'")  # noqa: S608
    await waits(banked)
    assert len(await reversals(banked)) == 1
    await earned(banked, 2)
    await earned(banked, 3)
    await payday(banked, WAIT)
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([SHARE, SHARE], 0)


# -- at the provider --


async def test_what_somebody_reverses_at_the_provider_is_owed_again_and_waits_for_a_person(
    banked: Till, published: Published
) -> None:
    stripe_id = await has_account(banked)
    await earned(banked, 1)
    await earned(banked, 2)
    await payday(banked)
    [payout] = await made(banked)
    transfer_id = str(payout.stripe_transfer_id)
    await banked.sandbox.stripe.transfers.reversals.create_async(transfer_id, {"amount": SHARE + 100})
    for _ in range(2):
        await banked.hand_on(transfer_id, "transfer.reversed")
        assert await owed(banked) == SHARE + 100
    assert [one.reversed_cents for one in await made(banked)] == [SHARE + 100]
    await payday(banked)
    assert await arrived(banked, stripe_id) == [2 * SHARE]  # nobody has said that it may leave again
    await banked.sandbox.stripe.transfers.reversals.create_async(transfer_id)
    await banked.post(await banked.webhook(transfer_id, "transfer.reversed", 1))
    await banked.work()
    assert ([one.status for one in await made(banked)], await owed(banked)) == (["reversed"], 2 * SHARE)
    assert [one.back_cents for one in await published(PayoutReversed)] == [SHARE + 100, SHARE - 100]
    for booking in (1, 2):
        async with banked.database.begin() as session:
            await clear_attention(session, (await banked.payment(booking)).id)
    await payday(banked, 2 * HOLD)
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([2 * SHARE, 2 * SHARE], 0)


async def test_a_transfer_of_somebody_else_is_foreign(banked: Till) -> None:
    stripe_id = await has_account(banked)
    form: Any = {"amount": 100, "currency": "usd", "destination": stripe_id}
    made_elsewhere = await banked.sandbox.stripe.transfers.create_async(form)
    await banked.sandbox.stripe.transfers.reversals.create_async(made_elsewhere.id)
    await banked.hand_on(made_elsewhere.id, "transfer.reversed")
    assert [one.outcome for one in await banked.webhooks()][-1] == "foreign"


@pytest.mark.parametrize(
    ("planted", "found_in_it"),
    [
        ("update payouts set reversed_cents = reversed_cents - 1", "came back"),
        ("update payout_reversals set amount_cents = amount_cents - 1", "came back"),
        ("update payments set paid_out_cents = paid_out_cents + 1", "were paid out of it"),
    ],
)
async def test_the_checker_sees_what_does_not_fit(banked: Till, planted: str, found_in_it: str) -> None:
    await has_account(banked)
    await earned(banked)
    await payday(banked)
    await banked.hear(cancelled(version=9, refund_cents=1_000))
    await waits(banked)
    async with banked.database.begin() as session:
        assert await ledger.faults(session) == []
        await session.execute(text(planted))
        session.expunge_all()
        assert any(found_in_it in fault for fault in await ledger.faults(session))
        await session.rollback()


# -- beside the provider's books --


async def a_transfer(till: Till) -> None:
    await till.captured(7)
    await till.sandbox.paid(100, payment_method="pm_card_bypassPending")
    await has_account(till)
    await earned(till)
    await payday(till)


async def unknown_to_us(till: Till) -> None:
    stripe_id = (await made(till))[0].stripe_account_id
    ours = {"mdh_reference": str(new_id())}
    form: Any = {"amount": 50, "currency": "usd", "destination": stripe_id, "metadata": ours}
    await till.sandbox.stripe.transfers.create_async(form)


async def unknown_to_the_provider(till: Till) -> None:
    await sql(till, f"update payouts set paid_at = now(), stripe_transfer_id = 'tr_none', reference = '{new_id()}'")  # noqa: S608


async def of_another_sum(till: Till) -> None:
    await sql(till, "update payouts set amount_cents = amount_cents + 1")


async def reversed_unheard(till: Till) -> None:
    await till.sandbox.stripe.transfers.reversals.create_async(str((await made(till))[0].stripe_transfer_id))


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (unknown_to_us, ["transfer_unknown"]),
        (unknown_to_the_provider, ["transfer_missing", "transfer_unknown"]),
        (of_another_sum, ["wrong_amount"]),
        (reversed_unheard, []),
    ],
)
async def test_each_fault_of_a_transfer_is_found_and_what_was_not_heard_is_settled(
    alone: Till, plant: Any, kinds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the provider's list of events says nothing of it."""
    monkeypatch.setattr(events, "look_between", lambda *_: None)
    await a_transfer(alone)
    today = now()
    with frozen(today + timedelta(hours=2)):
        assert await compared(alone, today) == ["foreign"]  # the charge that only fills the balance
        await plant(alone)
        for _ in range(2):
            assert sorted(await compared(alone, today)) == sorted([*kinds, "foreign"])
            assert len(await found(alone)) == len(kinds) + 1
    if plant is reversed_unheard:
        assert ([one.status for one in await made(alone)], await owed(alone)) == (["reversed"], 2 * SHARE)
