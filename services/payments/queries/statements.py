"""Statements: the books of one affiliate and month."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shared.auth import Actor
from shared.clock import now

from ..domain.affiliate import Affiliate
from ..domain.ledger import Account, Journal, Posting
from ..domain.payment import Payment
from ..domain.statement import Entry, Month, Statement, accounts_of
from .balances import must_see_books
from .ledger import payable_to


async def statement_for(session: AsyncSession, actor: Actor, affiliate_id: int, month_name: str) -> Statement:
    """Of a month that is over always the same."""
    must_see_books(actor, affiliate_id)
    at = now()
    month = Month.named(month_name, at)
    opening = await payable_to(session, affiliate_id, before=month.start)
    entries = [Entry(*row) for row in await session.execute(_entries(affiliate_id, month))]
    name = await session.scalar(select(Affiliate.name).where(Affiliate.affiliate_id == affiliate_id))
    accounts = accounts_of(month, opening, entries)
    return Statement(affiliate_id, name, month, min(at, month.end), accounts)


async def months_of(session: AsyncSession, actor: Actor, affiliate_id: int) -> Sequence[Month]:
    """In which something happened, newest first."""
    must_see_books(actor, affiliate_id)
    month = func.date_trunc("month", func.timezone("UTC", Journal.created_at)).label("month")
    of = select(month).join(Posting, Posting.journal_id == Journal.id).where(Posting.affiliate_id == affiliate_id)
    found: Sequence[datetime] = (await session.scalars(of.distinct().order_by(month.desc()))).all()
    return [Month(start.replace(tzinfo=UTC)) for start in found]


def _entries(affiliate_id: int, month: Month) -> Select[Any]:
    """Each journal of the affiliate's, in one row; the first of a payment is that it was paid."""
    about = select(Posting.journal_id).where(Posting.affiliate_id == affiliate_id)
    earlier = aliased(Journal)
    first = select(func.min(earlier.id)).where(earlier.payment_id == Journal.payment_id).scalar_subquery()
    shown: list[Any] = [
        Journal.created_at,
        Journal.currency,
        Journal.payment_id,
        Journal.payout_id,
        Payment.booking_id,
        Payment.purpose,
        Payment.status,
        func.coalesce(Journal.id == first, False),
        *map(_sum_of, (Account.AFFILIATE_PAYABLE, Account.COMMISSION, Account.TAX, Account.REFUNDS)),
    ]
    return (
        select(*shown)
        .join(Posting, Posting.journal_id == Journal.id)
        .outerjoin(Payment, Payment.id == Journal.payment_id)
        .where(Journal.id.in_(about), Journal.created_at >= month.start, Journal.created_at < month.end)
        .group_by(Journal.id, Payment.id)
        .order_by(Journal.created_at, Journal.id)
    )


def _sum_of(account: Account) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(Posting.amount_cents).filter(Posting.account == account), 0), BigInteger)
