"""Writing the books, and looking whether they are right."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.dispute import DisputedSums
from ..domain.ledger import Journal, step
from ..domain.payment import Payment
from ..queries.disputes import payments_with_disputes
from ..queries.ledger import balances_of, payments_with_books, payments_without_books, unbalanced
from ..queries.payments import get_payment

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


async def faults(session: AsyncSession) -> list[str]:
    """Everything in which the books and the payments differ, in words; none, if all is right."""
    found = [f"journal {journal_id} is off by {cents}" for journal_id, cents in await unbalanced(session)]
    async for payment, said in payments_with_books(session):
        if changes := step(said, payment):
            wrong = ", ".join(f"{account} by {-cents}" for account, cents in changes.items())
            found.append(f"payment {payment.id} of booking {payment.booking_id} is off: {wrong}")
    async for payment, disputes in payments_with_disputes(session):
        if payment.disputed_sums != DisputedSums.of(disputes):
            found.append(f"payment {payment.id} of booking {payment.booking_id} is not what its disputes come to")
    return found
