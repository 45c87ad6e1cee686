"""What the books say."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, cast, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.ledger import Account, Journal, Posting, held_back
from ..domain.life import TAKEN
from ..domain.payment import Payment
from ..domain.payout import Payout, PayoutItem
from ..domain.reversal import Reversal, ReversalStatus

BATCH = 1_000


SUM = cast(func.sum(Posting.amount_cents), BigInteger).label("cents")


async def balances_of(session: AsyncSession, payment_id: int) -> dict[Account, int]:
    """What the books say of a payment, by account."""
    said = (
        select(Posting.account, SUM)
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.payment_id == payment_id)
        .group_by(Posting.account)
    )
    return {row.account: row.cents for row in await session.execute(said)}


async def payable_to(session: AsyncSession, affiliate_id: int, *, before: datetime | None = None) -> dict[str, int]:
    """What an affiliate is to be paid, by currency; or what it was to be paid `before`."""
    owed = (
        select(Journal.currency, (-SUM).label("cents"))
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Posting.affiliate_id == affiliate_id)
        .group_by(Journal.currency)
        .order_by(Journal.currency)
    )
    if before is not None:
        owed = owed.where(Journal.created_at < before)
    return {row.currency: row.cents for row in await session.execute(owed)}


async def held_back_of(session: AsyncSession, affiliate_id: int) -> dict[str, int]:
    """What an affiliate is not to be paid before its open disputes have ended, by currency."""
    disputed = select(Payment).where(Payment.affiliate_id == affiliate_id, Payment.disputed_cents > 0)
    held: dict[str, int] = {}
    for payment in await session.scalars(disputed):
        held[payment.currency] = held.get(payment.currency, 0) + held_back(payment)
    return held


async def payouts_with_books(session: AsyncSession) -> Sequence[Any]:
    """Every payout with what its items come to, what came back of it, and what the books say that its affiliate has of
    it: payout, cents, cents, cents."""
    items = select(func.sum(PayoutItem.amount_cents)).where(PayoutItem.payout_id == Payout.id).scalar_subquery()
    paid = (
        select(func.sum(Posting.amount_cents))
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.payout_id == Payout.id, Posting.account == Account.AFFILIATE_PAYABLE)
        .scalar_subquery()
    )
    done = (Reversal.payout_id == Payout.id) & (Reversal.status == ReversalStatus.DONE)
    back = select(func.sum(Reversal.amount_cents)).where(done).scalar_subquery()
    sums = [func.coalesce(one, 0) for one in (items, back, paid)]
    every = select(Payout, *sums).order_by(Payout.id)
    found: Sequence[Any] = (await session.execute(every)).all()
    return found


async def payments_paid_out_otherwise(session: AsyncSession) -> Sequence[Any]:
    """Payments that say another sum than their items less what came back or is to: id, cents said, cents of those."""
    of_items = select(PayoutItem.payment_id.label("id"), PayoutItem.amount_cents.label("cents"))
    back = select(Reversal.payment_id, -Reversal.amount_cents).where(Reversal.status != ReversalStatus.REFUSED)
    both = of_items.union_all(back).subquery()
    items = cast(func.coalesce(func.sum(both.c.cents), 0), BigInteger)
    every = select(Payment.id, Payment.paid_out_cents, items).outerjoin(both, both.c.id == Payment.id)
    differ = every.group_by(Payment.id).having(Payment.paid_out_cents != items).order_by(Payment.id)
    return (await session.execute(differ)).all()


async def trial_balance(session: AsyncSession) -> Sequence[Any]:
    """Every account by currency: currency, account, cents."""
    of = select(Journal.currency, Posting.account, SUM).join(Posting, Posting.journal_id == Journal.id)
    by = of.group_by(Journal.currency, Posting.account).order_by(Journal.currency, Posting.account)
    return (await session.execute(by)).all()


async def payments_without_books(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Money was taken, and no journal says so."""
    told = exists().where(Journal.payment_id == Payment.id)
    none = select(Payment.id).where(Payment.status.in_(TAKEN), Payment.captured_cents > 0, ~told)
    return (await session.scalars(none.order_by(Payment.id).limit(limit))).all()


async def unbalanced(session: AsyncSession) -> Sequence[Any]:
    of = select(Posting.journal_id, SUM).group_by(Posting.journal_id).having(SUM != 0)
    return (await session.execute(of)).all()


async def payments_with_books(session: AsyncSession) -> AsyncIterator[tuple[Payment, dict[Account, int]]]:
    """Every payment with what the books say of it, in one statement per thousand."""
    after = 0
    while payments := (await session.scalars(_next_payments(after))).all():
        said = await _books_of(session, payments)
        for payment in payments:
            yield payment, said[payment.id]
        after = payments[-1].id


async def partly_gone(session: AsyncSession, *, after: int) -> list[tuple[Payment, dict[Account, int]]]:
    """The next payments of which a part went back or was lost, so that shares were rounded; with their books."""
    gone = Payment.refunds_due_cents + Payment.lost_cents
    some = _next_payments(after).where(gone > 0, gone < Payment.captured_cents)
    payments = (await session.scalars(some)).all()
    said = await _books_of(session, payments)
    return [(payment, said[payment.id]) for payment in payments]


async def _books_of(session: AsyncSession, payments: Sequence[Payment]) -> dict[int, dict[Account, int]]:
    said: dict[int, dict[Account, int]] = {payment.id: {} for payment in payments}
    sums = (
        select(Journal.payment_id, Posting.account, SUM)
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Journal.payment_id.in_(said))
        .group_by(Journal.payment_id, Posting.account)
    )
    for row in await session.execute(sums):
        said[row.payment_id][row.account] = row.cents
    return said


def _next_payments(after: int) -> Select[Payment]:
    return select(Payment).where(Payment.id > after).order_by(Payment.id).limit(BATCH)
