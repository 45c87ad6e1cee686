"""What the books say."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, cast, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.errors import Forbidden

from ..domain.ledger import Account, Balance, Journal, Posting, held_back
from ..domain.payment import TAKEN, Payment

BATCH = 1_000


class NotYourBooks(Forbidden):
    """Only the affiliate's owner and managers, and staff, see what it is to be paid."""


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


async def balance_for(session: AsyncSession, actor: Actor, affiliate_id: int) -> list[Balance]:
    """What an affiliate is to be paid, by currency."""
    if not (actor.runs(affiliate_id) or actor.is_staff):
        raise NotYourBooks
    owed = (
        select(Journal.currency, -SUM)
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Posting.affiliate_id == affiliate_id)
        .group_by(Journal.currency)
        .order_by(Journal.currency)
    )
    held = await held_back_of(session, affiliate_id)
    return [Balance(currency, cents, held.get(currency, 0)) for currency, cents in (await session.execute(owed)).all()]


async def held_back_of(session: AsyncSession, affiliate_id: int) -> dict[str, int]:
    """What an affiliate is not to be paid before its open disputes have ended, by currency."""
    disputed = select(Payment).where(Payment.affiliate_id == affiliate_id, Payment.disputed_cents > 0)
    held: dict[str, int] = {}
    for payment in await session.scalars(disputed):
        held[payment.currency] = held.get(payment.currency, 0) + held_back(payment)
    return held


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
        said: dict[int, dict[Account, int]] = {payment.id: {} for payment in payments}
        sums = (
            select(Journal.payment_id, Posting.account, SUM)
            .join(Posting, Posting.journal_id == Journal.id)
            .where(Journal.payment_id.in_(said))
            .group_by(Journal.payment_id, Posting.account)
        )
        for row in await session.execute(sums):
            said[row.payment_id][row.account] = row.cents
        for payment in payments:
            yield payment, said[payment.id]
        after = payments[-1].id


def _next_payments(after: int) -> Select[Payment]:
    return select(Payment).where(Payment.id > after).order_by(Payment.id).limit(BATCH)
