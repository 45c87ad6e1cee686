"""Refunds, each with its payment."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.payment import Payment
from ..domain.provider import ProviderRefund
from ..domain.refund import Refund, RefundStatus
from . import QUIET
from .payments import get_payment


async def lock_refund_behind(session: AsyncSession, told: ProviderRefund) -> tuple[Payment, Refund] | None:
    """A refund of ours with its payment, which is locked first; read after that, so that both are as they are now."""
    if told.reference is None:
        return None
    payment_id = await session.scalar(select(Refund.payment_id).where(Refund.reference == told.reference))
    if payment_id is None:
        return None
    payment = await get_payment(session, payment_id, lock=True)
    return payment, (await session.scalars(select(Refund).where(Refund.reference == told.reference))).one()


async def get_refund(session: AsyncSession, refund_id: int) -> tuple[Refund, Payment]:
    both = select(Refund, Payment).join(Payment, Payment.id == Refund.payment_id).where(Refund.id == refund_id)
    refund, payment = (await session.execute(both)).one()
    return refund, payment


async def has_refund_for(session: AsyncSession, cause: str) -> bool:
    return await session.scalar(select(Refund.id).where(Refund.cause == cause)) is not None


async def claim_quiet_refunds(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """The payments of refunds that the provider has taken and not confirmed for a while."""
    quiet = (
        select(Refund.id)
        .where(Refund.status == RefundStatus.SENT, Refund.updated_at < func.clock_timestamp() - QUIET)
        .order_by(Refund.updated_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(Refund).where(Refund.id.in_(quiet.scalar_subquery())).returning(Refund.payment_id)
    return list(set(await session.scalars(claimed.values(updated_at=func.clock_timestamp()))))
