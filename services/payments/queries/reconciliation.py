"""The provider's books as we have read them, and what they are compared with."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.comparison import Difference, Told, differences_of_payment
from ..domain.dispute import Dispute
from ..domain.entry import OWN, TRANSFERS, Entry, Reconciliation
from ..domain.ledger import Account, Journal, Posting
from ..domain.payment import Payment
from ..domain.payout import ARRIVED, Payout
from ..domain.refund import Refund, RefundStatus
from .ledger import SUM

SKEW = timedelta(minutes=5)  # between the provider's clock and ours: what is younger belongs to the next day
BATCH = 200


def bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)


async def last_day(session: AsyncSession) -> date | None:
    return await session.scalar(select(func.max(Reconciliation.day)))


async def lock_day(session: AsyncSession, day: date) -> Reconciliation:
    """Made if it is not there yet."""
    await session.execute(insert(Reconciliation).values(day=day).on_conflict_do_nothing())
    of = select(Reconciliation).where(Reconciliation.day == day)
    return (await session.scalars(of.with_for_update())).one()


async def keep_entries(session: AsyncSession, entries: Iterable[dict[str, Any]]) -> None:
    """What the provider has booked stays as it was read first, but for its fee. In one order, whoever reads."""
    if rows := sorted(entries, key=lambda entry: str(entry["stripe_id"])):
        new = insert(Entry).values(rows)
        changed = Entry.fee_cents != new.excluded.fee_cents
        fee = {"fee_cents": new.excluded.fee_cents, "updated_at": func.now()}
        await session.execute(new.on_conflict_do_update(index_elements=["stripe_id"], set_=fee, where=changed))


async def count_entries(session: AsyncSession, day: date) -> int:
    start, end = bounds(day)
    of = select(func.count()).select_from(Entry).where(Entry.booked_at >= start, Entry.booked_at < end)
    return await session.scalar(of) or 0


async def payments_of_day(session: AsyncSession, day: date, after: int) -> Sequence[Payment]:
    """The next of those of which either side says that something happened on that day."""
    start, end = bounds(day)
    booked = (Entry.booked_at >= start) & (Entry.booked_at < end)
    by_us = (start - SKEW, end - SKEW)
    ids = union(
        select(Payment.id).join(Entry, Entry.intent_id == Payment.stripe_payment_intent_id).where(booked),
        select(Payment.id).join(Entry, Entry.reference == Payment.reference).where(booked),
        select(Payment.id).where(Payment.captured_at >= by_us[0], Payment.captured_at < by_us[1]),
        select(Refund.payment_id).where(
            Refund.status == RefundStatus.SUCCEEDED, Refund.updated_at >= by_us[0], Refund.updated_at < by_us[1]
        ),
        select(Dispute.payment_id).where(Dispute.updated_at >= by_us[0], Dispute.updated_at < by_us[1]),
    ).subquery()
    of = select(Payment).where(Payment.id.in_(select(ids.c.id)), Payment.id > after).order_by(Payment.id).limit(BATCH)
    return (await session.scalars(of)).all()


async def payouts_of_day(session: AsyncSession, day: date) -> Sequence[int]:
    start, end = bounds(day)
    booked = (Entry.booked_at >= start) & (Entry.booked_at < end)
    ids = union(
        select(Payout.id).join(Entry, Entry.source_id == Payout.stripe_transfer_id).where(booked),
        select(Payout.id).join(Entry, Entry.reference == Payout.reference).where(booked),
        select(Payout.id).where(
            Payout.status.in_(ARRIVED), Payout.paid_at >= start - SKEW, Payout.paid_at < end - SKEW
        ),
    )
    return (await session.scalars(ids)).all()


async def strangers_of_day(session: AsyncSession, day: date) -> Sequence[int]:
    """Entries about no payment and no payout of ours."""
    start, end = bounds(day)
    of_payment = select(Payment.id).where(
        or_(Payment.stripe_payment_intent_id == Entry.intent_id, Payment.reference == Entry.reference)
    )
    of_payout = select(Payout.id).where(
        or_(Payout.stripe_transfer_id == Entry.source_id, Payout.reference == Entry.reference)
    )
    of = select(Entry.id).where(Entry.booked_at >= start, Entry.booked_at < end, Entry.type.not_in(OWN))
    return (await session.scalars(of.where(~of_payment.exists(), ~of_payout.exists()).order_by(Entry.id))).all()


async def find_payment_behind(session: AsyncSession, entry: Entry) -> Payment | None:
    intent, reference = Payment.stripe_payment_intent_id == entry.intent_id, Payment.reference == entry.reference
    return await session.scalar(select(Payment).where(or_(intent, reference)).limit(1))


async def told_of(session: AsyncSession, payment: Payment) -> Told:
    refunds = (await session.scalars(select(Refund).where(Refund.payment_id == payment.id))).all()
    disputes = (await session.scalars(select(Dispute).where(Dispute.payment_id == payment.id))).all()
    entries = (await session.scalars(_entries_of(payment))).all()
    return Told(refunds, disputes, entries, await _clearing_of(session, payment, entries))


async def _clearing_of(session: AsyncSession, payment: Payment, entries: Sequence[Entry]) -> int:
    about = or_(Journal.payment_id == payment.id, Journal.entry_id.in_([entry.id for entry in entries]))
    of = select(SUM).join(Journal, Journal.id == Posting.journal_id).where(about)
    return await session.scalar(of.where(Posting.account == Account.PROVIDER_CLEARING)) or 0


def _entries_of(payment: Payment) -> Select[Entry]:
    about = or_(Entry.intent_id == payment.stripe_payment_intent_id, Entry.reference == payment.reference)
    return select(Entry).where(about, Entry.type.not_in(TRANSFERS + OWN)).order_by(Entry.booked_at, Entry.id)


async def differences_now(session: AsyncSession, payment: Payment) -> list[Difference]:
    return differences_of_payment(payment, await told_of(session, payment))


async def entries_of_payout(session: AsyncSession, payout: Payout) -> Sequence[Entry]:
    about = or_(Entry.source_id == payout.stripe_transfer_id, Entry.reference == payout.reference)
    return (await session.scalars(select(Entry).where(about).order_by(Entry.id))).all()


async def latest_days(session: AsyncSession, most: int) -> Sequence[Reconciliation]:
    return (await session.scalars(select(Reconciliation).order_by(Reconciliation.day.desc()).limit(most))).all()
