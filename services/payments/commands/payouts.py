"""Payouts: decided under the affiliate's lock, sent outside of it, in the books once the provider has taken them."""

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.payments import PaidOut, PayoutRefused
from shared.outbox import record
from shared.tasks import Outside

from ..clients import Provider
from ..domain.earnings import Earning, PayoutTerms, ripe, total
from ..domain.ledger import Journal
from ..domain.payout import Payout, PayoutStatus
from ..domain.payout_account import PayoutAccount
from ..domain.provider import ProviderTransfer, RefusedByProvider
from ..queries.payouts import (
    claim_account_to_pay,
    claim_quiet_payouts,
    earnings_of,
    get_payout,
    lock_account_of,
    note_as_paid_out,
    note_as_settled,
    under_way_of,
)
from . import tasks
from .asking import ask

log = structlog.get_logger()

AT_ONCE = 50  # affiliates
REFUSED = Counter("mdh_payouts_refused_total", "Payouts that the provider refused and that a person must look at")


def look_who_is_due(session: AsyncSession) -> None:
    tasks.enqueue(session, make_payouts)


@tasks.call
async def make_payouts(outside: Outside) -> None:
    """One affiliate after the other, each in a transaction of its own: whoever has to wait for one waits shortly."""
    terms = outside.client(PayoutTerms)
    for _ in range(AT_ONCE):
        async with outside.begin() as session:
            account = await claim_account_to_pay(session)
            if account is None:
                return
            await pay_out(session, account, terms)


async def pay_out(session: AsyncSession, account: PayoutAccount, terms: PayoutTerms) -> None:
    """To a locked account, all that is due, in each currency in which it is enough: whatever it is for one that was
    closed. One that is under way or was refused comes first."""
    least = 1 if account.is_closed else terms.minimum_cents
    waits_for = await under_way_of(session, account.affiliate_id)
    due = ripe(await earnings_of(session, account.affiliate_id, lock=True), terms, now())
    for currency, earnings in due.items():
        if currency not in waits_for and total(earnings) >= least:
            await _intend(session, account, currency, earnings)
    nothing = [one.payment.id for earnings in due.values() for one in earnings if not one.due_cents]
    if nothing:
        await note_as_settled(session, nothing)


async def _intend(session: AsyncSession, account: PayoutAccount, currency: str, earnings: list[Earning]) -> None:
    payout = Payout.to(account, currency, earnings)
    session.add(payout)
    await session.flush()
    await note_as_paid_out(session, payout.id)
    tasks.enqueue(session, send_payout, payout_id=payout.id)


@tasks.call
async def send_payout(outside: Outside, payout_id: int) -> None:
    """The row is the intention. Called again after a crash, the same key is answered with the same transfer."""
    async with outside.begin() as session:
        payout = await get_payout(session, payout_id)
    if payout.status is not PayoutStatus.PENDING:
        return
    provider = outside.client(Provider)
    try:
        told = await ask(
            outside,
            payout,
            call=lambda: provider.create_transfer(payout),
            find=lambda: provider.find_transfer(payout.reference),
        )
    except RefusedByProvider as refusal:
        await _refuse(outside, payout, refusal)
    else:
        await _keep(outside, payout, told)


async def _keep(outside: Outside, payout: Payout, told: ProviderTransfer) -> None:
    """Written only onto the row that was read: of two who ask at once, one finds it done when it asks again."""
    async with outside.begin() as session:
        session.add(payout)
        payout.arrive(told.id)
        session.add(Journal.of_payout(payout))
        record(session, PaidOut.of(payout))


async def _refuse(outside: Outside, payout: Payout, refusal: RefusedByProvider) -> None:
    async with outside.begin() as session:
        session.add(payout)
        payout.refuse(refusal)
        record(session, PayoutRefused.of(payout))
    REFUSED.inc()
    log.error("payout.refused", payout_id=payout.id, affiliate_id=payout.affiliate_id, why=str(refusal))


async def retry(session: AsyncSession, payout_id: int, version: int | None) -> Payout:
    """By a person, who has seen to what was wrong."""
    payout = await get_payout(session, payout_id, lock=True)
    payout.expect(version)
    payout.retry(await lock_account_of(session, payout.affiliate_id))
    tasks.enqueue(session, send_payout, payout_id=payout.id)
    return payout


async def ask_about_quiet_payouts(session: AsyncSession, *, limit: int) -> None:
    """Those whose call was given up: asked again, the provider has one transfer at most for each."""
    for payout_id in await claim_quiet_payouts(session, limit=limit):
        tasks.enqueue(session, send_payout, payout_id=payout_id)
