"""What comes back of payouts: debts that nothing sets off, taken back from the transfer; and transfers that somebody
reversed at the provider."""

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.payments import PayoutReversed
from shared.outbox import record
from shared.tasks import Outside

from ..clients import Provider
from ..domain.earnings import Earning, PayoutTerms, ripe, total
from ..domain.ledger import Journal
from ..domain.payout import Payout
from ..domain.payout_account import PayoutAccount
from ..domain.provider import ProviderReversal, RefusedByProvider
from ..domain.reversal import Reversal, ReversalStatus, shared_out
from ..domain.webhook import Outcome
from ..queries.payments import get_payment
from ..queries.payouts import earnings_of, get_payout, lock_account_of, under_way_of
from ..queries.reversals import (
    claim_quiet_reversals,
    debtors,
    find_payout_of,
    find_wanted,
    get_reversal,
    is_known,
    note_as_back,
    parts_of_payment,
    parts_of_payout,
)
from . import tasks
from .asking import ask
from .parking import park

log = structlog.get_logger()

AT_ONCE = 50  # affiliates
REFUSED = Counter("mdh_payout_reversals_refused_total", "Debts that an account could not pay back")


def look_who_owes(session: AsyncSession) -> None:
    tasks.enqueue(session, take_back)


@tasks.call
async def take_back(outside: Outside, after: int = 0) -> None:
    """What was paid out and has gone back to its customer since, where no payout has set it off for so long that none
    may come: one affiliate after the other, and then the next."""
    terms = outside.client(PayoutTerms)
    async with outside.begin() as session:
        accounts = await debtors(session, now() - terms.debts_wait, after, limit=AT_ONCE)
        if accounts:
            tasks.enqueue(session, take_back, after=accounts[-1].id)
    for account in accounts:
        async with outside.begin() as session:
            await _take_back_of(session, await lock_account_of(session, account.affiliate_id), terms)


async def _take_back_of(session: AsyncSession, account: PayoutAccount, terms: PayoutTerms) -> None:
    """Only what is owed after all that can be paid out was set off, and only when no payout is under way."""
    waits_for = await under_way_of(session, account.affiliate_id)
    due = ripe(await earnings_of(session, account.affiliate_id, lock=True), terms, now())
    for currency, earnings in due.items():
        owed = -total(earnings)
        for earning in earnings if currency not in waits_for else ():
            if owed > 0 and _has_waited(earning, terms):
                owed -= await _want(session, earning, min(owed, -earning.due_cents))


def _has_waited(earning: Earning, terms: PayoutTerms) -> bool:
    return earning.due_cents < 0 and earning.payment.updated_at < now() - terms.debts_wait


async def _want(session: AsyncSession, earning: Earning, cents: int) -> int:
    """The row is the intention; says how much of it can come back."""
    payment, wanted = earning.payment, 0
    for part, of_this in shared_out(cents, await parts_of_payment(session, payment.id)):
        reversal = Reversal.wanted(part, of_this)
        session.add(reversal)
        await session.flush()
        await note_as_back(session, payment.id, of_this)
        tasks.enqueue(session, send_reversal, reversal_id=reversal.id)
        wanted += of_this
    return wanted


@tasks.call
async def send_reversal(outside: Outside, reversal_id: int) -> None:
    async with outside.begin() as session:
        reversal, payout = await get_reversal(session, reversal_id)
    if reversal.status is not ReversalStatus.PENDING or payout.stripe_transfer_id is None:
        return
    provider, transfer_id = outside.client(Provider), payout.stripe_transfer_id
    try:
        told = await ask(
            outside,
            reversal,
            call=lambda: provider.reverse_transfer(transfer_id, reversal),
            find=lambda: _find(provider, transfer_id, reversal),
        )
    except RefusedByProvider as refusal:
        await _refuse(outside, reversal, refusal)
        return
    async with outside.begin() as session:
        await _settle(session, await get_payout(session, payout.id, lock=True), told)


async def _find(provider: Provider, transfer_id: str, reversal: Reversal) -> ProviderReversal | None:
    return next((one for one in await provider.reversals_of(transfer_id) if one.reference == reversal.reference), None)


async def _refuse(outside: Outside, reversal: Reversal, refusal: RefusedByProvider) -> None:
    """It goes on being a debt, and is tried again when it has stood as long once more."""
    async with outside.begin() as session:
        session.add(reversal)
        reversal.refuse(refusal)
        await note_as_back(session, reversal.payment_id, -reversal.amount_cents)
    REFUSED.inc()
    log.error("payout.reversal_refused", payout_id=reversal.payout_id, payment_id=reversal.payment_id, why=str(refusal))


async def note_transfer_change(session: AsyncSession, stripe_transfer_id: str) -> Outcome:
    payout = await find_payout_of(session, stripe_transfer_id)
    if payout is None:
        return Outcome.FOREIGN
    tasks.enqueue(session, check_transfer, payout_id=payout.id)
    return Outcome.DONE


@tasks.call
async def check_transfer(outside: Outside, payout_id: int) -> None:
    """What has come back of it, by the provider's list; heard again it is known."""
    async with outside.begin() as session:
        payout = await get_payout(session, payout_id)
    if payout.stripe_transfer_id is None:
        return
    for told in await outside.client(Provider).reversals_of(payout.stripe_transfer_id):
        async with outside.begin() as session:
            await _settle(session, await get_payout(session, payout_id, lock=True), told)


async def _settle(session: AsyncSession, payout: Payout, told: ProviderReversal) -> None:
    """Of a locked payout."""
    if await is_known(session, told.id):
        return
    wanted = await find_wanted(session, told.reference)
    if wanted is not None and (wanted.payout_id, wanted.amount_cents) == (payout.id, told.amount_cents):
        wanted.arrive(told.id)
    else:
        await _note_elsewhere(session, payout, told)
    payout.come_back(told.amount_cents)
    session.add(Journal.of_reversal(payout, told.id, told.amount_cents))
    record(session, PayoutReversed.of(payout, back_cents=told.amount_cents))


async def _note_elsewhere(session: AsyncSession, payout: Payout, told: ProviderReversal) -> None:
    """Somebody at the provider has taken it back: the affiliate is owed it again, and a person says whether it leaves
    again, by clearing the payments that it was for."""
    why = f"The provider's transfer {payout.stripe_transfer_id} was reversed by {told.amount_cents} ({told.id})."
    for part, cents in shared_out(told.amount_cents, await parts_of_payout(session, payout.id)):
        payment = await get_payment(session, part.payment_id, lock=True)
        park(payment, why)
        session.add(Reversal.made_elsewhere(part, cents, told.id))
        await session.flush()
        await note_as_back(session, payment.id, cents)
    log.error("payout.reversed", payout_id=payout.id, affiliate_id=payout.affiliate_id, cents=told.amount_cents)


async def ask_about_quiet_reversals(session: AsyncSession, *, limit: int) -> None:
    """Those whose call was given up: asked again, the provider makes one at most of each."""
    for reversal_id in await claim_quiet_reversals(session, limit=limit):
        tasks.enqueue(session, send_reversal, reversal_id=reversal_id)
