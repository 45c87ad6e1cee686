"""What the provider keeps for itself stands in the books, so that they have with it exactly what it has of ours."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from services.payments.clients import Provider
from services.payments.commands import fees, ledger
from services.payments.commands.disputes import check_dispute
from services.payments.domain.entry import Entry
from services.payments.domain.ledger import Account, Journal
from services.payments.jobs import round_ledger
from services.payments.queries.ledger import trial_balance
from services.payments.queries.reconciliation import keep_entries
from shared.clock import now
from shared.testing.tokens import ADMIN

from .conftest import AFFILIATE, PRICE, As, Till, cancelled
from .payday import earned, has_account, made, owed, payday
from .test_disputes import answers, opens
from .yesterday import compared, refunded, sql

COSTS = 18_900 * 29 // 1000 + 30
DISPUTED = 1_500


def entry(type: str, amount: int, fee: int) -> Entry:
    return Entry(
        stripe_id="txn_1", type=type, source_id=None, intent_id=None, reference=None, amount_cents=amount,
        fee_cents=fee, currency="USD", booked_at=now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("type", "amount", "fee", "cost"),
    [
        ("charge", 10_000, 320, 320),
        ("refund", -10_000, 0, 0),
        ("refund", -10_000, -20, -20),
        ("transfer", -9_000, 0, 0),
        ("stripe_fee", -150, 0, 150),
        ("tax_fee", -12, 0, 12),
        ("stripe_fx_fee", 5, 0, -5),
        ("payout", -5_000, 50, 50),
        ("adjustment", -10_000, 1_500, 0),
    ],
)
def test_what_an_entry_has_cost_beside_what_disputes_have(type: str, amount: int, fee: int, cost: int) -> None:
    one = entry(type, amount, fee)
    assert (one.cost_cents, one.net_cents) == (cost, amount - fee)


async def books(till: Till) -> dict[Account, int]:
    async with till.database.begin() as session:
        assert await ledger.faults(session) == []
        return {account: cents for _, account, cents in await trial_balance(session)}


async def count_journals(till: Till) -> int:
    async with till.database.begin() as session:
        of = select(func.count()).select_from(Journal).where(Journal.entry_id.is_not(None))
        return await session.scalar(of) or 0


async def test_the_books_have_with_the_provider_what_it_has_of_ours(alone: Till) -> None:
    """After charges, a refund whose fee stays, disputes that were won, lost and neither, and a payout; whatever
    affiliates are owed is as it was."""
    await has_account(alone)
    await earned(alone, 1)
    await payday(alone)
    for booking in range(2, 7):
        await alone.captured(booking)
    await alone.hear(cancelled(2, refund_cents=1_000), cancelled(3, refund_cents=PRICE))
    for booking, evidence in ((4, "winning_evidence"), (5, "losing_evidence"), (6, None)):
        dispute_id = await opens(alone.sandbox, await alone.intent_id(booking))
        if evidence:
            await answers(alone.sandbox, dispute_id, evidence)
        await check_dispute(alone.outside, stripe_dispute_id=dispute_id)
    before, affiliates = await books(alone), await owed(alone)
    for _ in range(2):
        assert await compared(alone, now()) == []
    after = await books(alone)
    assert [one.status for one in await made(alone)] == ["paid"]
    there = (await alone.sandbox.http.get("/_sandbox/ledger")).json()
    assert after[Account.PROVIDER_CLEARING] == there["balance"]["usd"]
    assert after[Account.PROVIDER_FEES] == there["fees"]["usd"] == 6 * COSTS + 2 * DISPUTED
    assert after[Account.PROVIDER_CLEARING] == before[Account.PROVIDER_CLEARING] - 6 * COSTS
    both = (Account.PROVIDER_CLEARING, Account.PROVIDER_FEES)
    assert {of: cents for of, cents in after.items() if of not in both} == {
        of: cents for of, cents in before.items() if of not in both
    }
    assert (await owed(alone), await count_journals(alone)) == (affiliates, 6)


async def test_a_statement_has_no_line_of_a_fee(till: Till, noon: datetime, as_: As) -> None:
    await till.captured()
    path = f"/payments/v1/affiliates/{AFFILIATE}/statements/{now():%Y-%m}"
    balance = f"/payments/v1/affiliates/{AFFILIATE}/balance"
    before = [(await till.client.get(of, headers=as_(ADMIN))).json() for of in (path, balance)]
    assert await compared(till, noon) == []
    after = [(await till.client.get(of, headers=as_(ADMIN))).json() for of in (path, balance)]
    assert await count_journals(till) == 1
    assert (before[0]["accounts"], before[1]) == (after[0]["accounts"], after[1])


async def test_a_fee_that_is_another_one_later_is_posted_as_what_it_differs_by(till: Till, noon: datetime) -> None:
    """And back again; and what comes as an entry of its own."""
    intent_id = await till.captured()
    charge = (await till.sandbox.stripe.payment_intents.retrieve_async(intent_id)).latest_charge
    [told] = await till.outside.client(Provider).entries_of(str(charge))
    own = told | {"stripe_id": "txn_own", "type": "stripe_fee", "source_id": None, "intent_id": None, "reference": None}
    own |= {"amount_cents": -7, "fee_cents": 0}
    for fee, journals in ((COSTS, 1), (COSTS, 1), (COSTS + 4, 2), (COSTS, 3), (0, 4), (COSTS, 5)):
        async with till.database.begin() as session:
            await fees.keep(session, [told | {"fee_cents": fee}])
        said = await books(till)
        clearing, kept = said[Account.PROVIDER_CLEARING], said.get(Account.PROVIDER_FEES, 0)
        assert (kept, clearing, await count_journals(till)) == (fee, PRICE - fee, journals)
    async with till.database.begin() as session:
        await fees.keep(session, [own])
    assert (await books(till))[Account.PROVIDER_FEES] == COSTS + 7


async def test_fees_that_an_earlier_release_did_not_post_are_posted_once(till: Till, noon: datetime) -> None:
    intent_id = await till.captured()
    charge = (await till.sandbox.stripe.payment_intents.retrieve_async(intent_id)).latest_charge
    told = await till.outside.client(Provider).entries_of(str(charge))
    async with till.database.begin() as session:
        await keep_entries(session, told)
    async with till.database.begin() as session:
        [fault] = await ledger.faults(session)
    assert fault == f"entry {told[0]['stripe_id']} has cost {COSTS}, and 0 in the books"
    for _ in range(2):
        async with till.database.begin() as session:
            await round_ledger(session)
        await till.work()
        assert (await books(till))[Account.PROVIDER_FEES] == COSTS
        assert await count_journals(till) == 1


async def test_a_ledger_that_says_another_sum_than_the_provider_is_found(till: Till, noon: datetime) -> None:
    """Though every row of ours says what the provider says."""
    await refunded(till)
    assert await compared(till, noon) == []
    await sql(
        till,
        "with one as (insert into journals (fact, payment_id, currency) select 'thin air', id, 'USD' from payments"
        " returning id) insert into postings (journal_id, account, amount_cents)"
        " select id, unnest(array['provider_clearing', 'commission']), unnest(array[1, -1]) from one",
    )
    assert await compared(till, noon) == ["wrong_balance"]
    async with till.database.begin() as session:
        [one] = (await session.execute(text("select provider_says, we_say from discrepancies"))).all()
    net = PRICE - 1_000 - COSTS
    assert tuple(one) == (f"{net} USD after fees", f"{net + 1} USD after fees")


async def test_a_day_that_is_read_twice_costs_once(till: Till, noon: datetime) -> None:
    for booking in (1, 2):
        await till.captured(booking)
    for at in (noon, noon, noon + timedelta(days=1)):
        assert await compared(till, at) == []
        assert (await count_journals(till), (await books(till))[Account.PROVIDER_FEES]) == (2, 2 * COSTS)
