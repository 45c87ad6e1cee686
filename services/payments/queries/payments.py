"""Payments, and who may see them."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor

from ..domain.payment import NoSuchPayment, Payment, Status
from ..domain.provider import Intent
from . import QUIET


async def get_payment(session: AsyncSession, payment_id: int, *, lock: bool = False) -> Payment:
    payment = await session.get(Payment, payment_id, with_for_update=lock or None)
    if payment is None:
        raise NoSuchPayment
    return payment


async def payment_for(session: AsyncSession, actor: Actor, payment_id: int) -> Payment:
    """A payment that this actor may see; to all others it does not exist."""
    return _visible(await session.get(Payment, payment_id), actor)


async def payment_of_booking(session: AsyncSession, actor: Actor, booking_id: int) -> Payment:
    """The same by its booking; it shows once the provider is ready, so that whoever waits for it can pay."""
    ready = select(Payment).where(Payment.booking_id == booking_id, Payment.status != Status.PENDING)
    return _visible(await session.scalar(ready), actor)


def _visible(payment: Payment | None, actor: Actor) -> Payment:
    if payment is None or not payment.may_be_seen_by(actor):
        raise NoSuchPayment
    return payment


async def lock_payment_of(session: AsyncSession, booking_id: int) -> Payment | None:
    return await session.scalar(select(Payment).where(Payment.booking_id == booking_id).with_for_update())


async def lock_payment_behind(session: AsyncSession, intent: Intent) -> Payment | None:
    """By the intent's id; by our reference in it, if we do not know the id."""
    of = select(Payment).with_for_update()
    known = await session.scalar(of.where(Payment.stripe_payment_intent_id == intent.id))
    if known is not None or intent.reference is None:
        return known
    return await session.scalar(of.where(Payment.reference == intent.reference))


async def lock_payment_paid_by(session: AsyncSession, intent_id: str | None) -> Payment | None:
    of = select(Payment).where(Payment.stripe_payment_intent_id == intent_id)
    return await session.scalar(of.with_for_update())


async def parked_payments(session: AsyncSession) -> Sequence[Payment]:
    return (await session.scalars(select(Payment).where(Payment.attention.is_not(None)).order_by(Payment.id))).all()


async def claim_quiet_payments(session: AsyncSession, statuses: Sequence[Status], *, limit: int) -> Sequence[int]:
    """Payments with an intent that nobody has asked about for a while; from now on somebody has."""
    quiet = (
        select(Payment.id)
        .where(
            Payment.status.in_(statuses),
            Payment.stripe_payment_intent_id.is_not(None),
            Payment.attention.is_(None),
            Payment.checked_at < func.clock_timestamp() - QUIET,
        )
        .order_by(Payment.checked_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(Payment).where(Payment.id.in_(quiet.scalar_subquery())).returning(Payment.id)
    # Nothing about the payment itself has changed: neither version nor updated_at move.
    values = {"checked_at": func.clock_timestamp(), "updated_at": Payment.updated_at}
    return (await session.scalars(claimed.values(values))).all()
