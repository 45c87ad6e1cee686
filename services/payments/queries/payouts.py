"""Payouts, who may see them, and what is to be paid out."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, case, exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.booking import FINAL, Booking
from ..domain.earnings import Earning
from ..domain.payment import Payment
from ..domain.payout import UNDER_WAY, NoSuchPayout, Payout, PayoutItem, PayoutStatus
from ..domain.payout_account import AccountStatus, PayoutAccount

LOOKED_AT_EVERY = timedelta(hours=1)
QUIET_PAYOUT = timedelta(hours=1)  # the platform tries for longer than that, at growing distances
# As idx_payments_to_pay_out has it.
UNSETTLED = text(
    "payments.paid_out_version is distinct from payments.version"
    " and (payments.captured_cents > 0 or payments.status = 'paid_on_site')"
)


async def get_payout(session: AsyncSession, payout_id: int, *, lock: bool = False) -> Payout:
    payout = await session.get(Payout, payout_id, with_for_update=lock or None)
    if payout is None:
        raise NoSuchPayout
    return payout


async def payout_for(session: AsyncSession, actor: Actor, payout_id: int) -> Payout:
    """With its items, to those who may see it."""
    payout = await session.get(Payout, payout_id, options=[selectinload(Payout.items)])
    if payout is None or not payout.may_be_seen_by(actor):
        raise NoSuchPayout
    return payout


async def payouts_of(
    session: AsyncSession, page: Page, status: PayoutStatus | None, affiliate_id: int | None = None
) -> Paged[Payout]:
    """All, or an affiliate's."""
    statement = select(Payout)
    if status is not None:
        statement = statement.where(Payout.status == status)
    if affiliate_id is not None:
        statement = statement.where(Payout.affiliate_id == affiliate_id)
    return await page.of(session, statement, Payout.created_at, Payout.id, descending=True)


async def under_way_of(session: AsyncSession, affiliate_id: int) -> dict[str, int]:
    """What was sent and has not arrived, by currency: of each at most one payout."""
    sent = select(Payout.currency, Payout.amount_cents)
    of = sent.where(Payout.affiliate_id == affiliate_id, Payout.status.in_(UNDER_WAY))
    return {row.currency: row.amount_cents for row in await session.execute(of)}


def _earnings(affiliate_id: int) -> Select[Any]:
    """Of an affiliate, all payments of which something may be to settle. What the previous code settled has no times of
    its own."""
    ended = func.coalesce(Booking.final_at, Booking.updated_at)
    here = func.coalesce(Payment.captured_at, Payment.updated_at)
    since = case((Booking.booking_id.is_not(None), func.greatest(ended, here)))
    final = (Booking.booking_id == Payment.booking_id) & Booking.status.in_(FINAL)
    unsettled = select(Payment, since).outerjoin(Booking, final).where(UNSETTLED)
    return unsettled.where(Payment.affiliate_id == affiliate_id).order_by(Payment.id)


async def earnings_of(session: AsyncSession, affiliate_id: int, *, lock: bool = False) -> list[Earning]:
    """Locked, no refund of them is decided meanwhile."""
    of = _earnings(affiliate_id)
    rows = await session.execute(of.with_for_update(of=Payment) if lock else of)
    return [Earning(payment, since) for payment, since in rows]


async def claim_account_to_pay(session: AsyncSession) -> PayoutAccount | None:
    """Locked: one that can be paid, is not held and has earned something, and that nobody has looked at for a while."""
    earned = exists().where(Payment.affiliate_id == PayoutAccount.affiliate_id, Payment.captured_cents > 0, UNSETTLED)
    due = (
        select(PayoutAccount.id)
        .where(
            PayoutAccount.status == AccountStatus.COMPLETE,
            PayoutAccount.payouts_enabled,
            PayoutAccount.held_because.is_(None),
            PayoutAccount.payouts_checked_at < func.clock_timestamp() - LOOKED_AT_EVERY,
            earned,
        )
        .order_by(PayoutAccount.payouts_checked_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    claimed = update(PayoutAccount).where(PayoutAccount.id == due.scalar_subquery()).returning(PayoutAccount)
    values = {"payouts_checked_at": func.clock_timestamp(), "updated_at": PayoutAccount.updated_at}
    return (await session.scalars(claimed.values(values))).one_or_none()


async def lock_account_of(session: AsyncSession, affiliate_id: int) -> PayoutAccount:
    of = select(PayoutAccount).where(PayoutAccount.affiliate_id == affiliate_id)
    return (await session.scalars(of.with_for_update())).one()


async def note_as_paid_out(session: AsyncSession, payout_id: int) -> None:
    """In the payments themselves; nothing else about them has changed: neither version nor updated_at move."""
    item = (PayoutItem.payout_id == payout_id) & (PayoutItem.payment_id == Payment.id)
    values = {
        "paid_out_cents": Payment.paid_out_cents + PayoutItem.amount_cents,
        "paid_out_version": PayoutItem.payment_version,
        "updated_at": Payment.updated_at,
    }
    noted = update(Payment).where(item).values(values)
    await session.execute(noted, execution_options={"synchronize_session": False})


async def note_as_settled(session: AsyncSession, payment_ids: Sequence[int]) -> None:
    """As they are now nothing is to be paid of them, nor will be."""
    values = {"paid_out_version": Payment.version, "updated_at": Payment.updated_at}
    noted = update(Payment).where(Payment.id.in_(payment_ids)).values(values)
    await session.execute(noted, execution_options={"synchronize_session": False})


async def claim_quiet_payouts(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Sent, and without an answer for so long that nobody may be asking any more."""
    quiet = (
        select(Payout.id)
        .where(Payout.status == PayoutStatus.PENDING, Payout.checked_at < func.clock_timestamp() - QUIET_PAYOUT)
        .order_by(Payout.checked_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(Payout).where(Payout.id.in_(quiet.scalar_subquery())).returning(Payout.id)
    values = {"checked_at": func.clock_timestamp(), "updated_at": Payout.updated_at}
    return (await session.scalars(claimed.values(values))).all()
