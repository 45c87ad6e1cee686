"""Writing the books, and looking whether they are right."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.tasks import Outside

from ..domain.dispute import DisputedSums
from ..domain.ledger import Journal, is_rounding, step
from ..domain.payment import Payment
from ..domain.payout import ARRIVED
from ..queries.disputes import payments_with_disputes
from ..queries.ledger import (
    balances_of,
    partly_gone,
    payments_paid_out_otherwise,
    payments_with_books,
    payments_without_books,
    payouts_with_books,
    unbalanced,
)
from ..queries.payments import get_payment
from . import fees, tasks

log = structlog.get_logger()


async def post(session: AsyncSession, payment: Payment, *, why: str = "") -> bool:
    """Bring the books to what a locked payment comes to by now; says whether anything was to be posted."""
    changes = step(await balances_of(session, payment.id), payment)
    if changes:
        session.add(Journal.about(payment, changes, fact=f"payment:{payment.id}:{payment.version}{why}"))
    return bool(changes)


async def mend(session: AsyncSession, *, limit: int) -> None:
    """Post what was not: payments from before there were books, or that an older version of this has settled."""
    for payment_id in await payments_without_books(session, limit=limit):
        payment = await get_payment(session, payment_id, lock=True)
        if await post(session, payment, why=":mended"):
            log.warning("ledger.mended", payment_id=payment.id)


def look_for_roundings(session: AsyncSession) -> None:
    tasks.enqueue(session, mend_roundings)


@tasks.call
async def mend_roundings(outside: Outside, after: int = 0) -> None:
    """Who has the last cent, where an earlier release rounded otherwise: a batch, and then the next. What is off by
    more is no rounding and waits for a person, whom `mdh ledger check` tells."""
    async with outside.begin() as session:
        batch = await partly_gone(session, after=after)
        for payment, said in batch:
            if is_rounding(step(said, payment)):
                await _round(session, payment)
        if batch:
            tasks.enqueue(session, mend_roundings, after=batch[-1][0].id)


async def _round(session: AsyncSession, payment: Payment) -> None:
    """As it is under its lock. The day is in the fact's name, since a later release may round otherwise again."""
    await session.refresh(payment, with_for_update=True)
    if is_rounding(step(await balances_of(session, payment.id), payment)):
        await post(session, payment, why=f":rounded:{now():%Y-%m-%d}")
        log.warning("ledger.rounded", payment_id=payment.id)


async def faults(session: AsyncSession) -> list[str]:
    """Everything in which the books and the payments differ, in words; none, if all is right."""
    found = [f"journal {journal_id} is off by {cents}" for journal_id, cents in await unbalanced(session)]
    async for payment, said in payments_with_books(session):
        if changes := step(said, payment):
            wrong = ", ".join(f"{account} by {-cents}" for account, cents in changes.items())
            found.append(f"payment {payment.id} of booking {payment.booking_id} is off: {wrong}")
    found += await _faults_of_payouts(session) + await fees.faults(session)
    async for payment, disputes in payments_with_disputes(session):
        if payment.disputed_sums != DisputedSums.of(disputes):
            found.append(f"payment {payment.id} of booking {payment.booking_id} is not what its disputes come to")
    return found


async def _faults_of_payouts(session: AsyncSession) -> list[str]:
    """What has left is in the books, nothing else is, and it adds up to what it was made of."""
    found = []
    for payout, items, back, paid in await payouts_with_books(session):
        if items != payout.amount_cents:
            found.append(f"payout {payout.id} is {payout.amount_cents}, its items are {items}")
        if back != payout.reversed_cents:
            found.append(f"payout {payout.id} says that {payout.reversed_cents} came back, its reversals are {back}")
        if paid != (payout.amount_cents - payout.reversed_cents if payout.status in ARRIVED else 0):
            found.append(f"payout {payout.id} of {payout.amount_cents} is {payout.status}, and {paid} in the books")
    for payment_id, said, items in await payments_paid_out_otherwise(session):
        found.append(f"payment {payment_id} says that {said} were paid out of it, its items are {items}")
    return found
