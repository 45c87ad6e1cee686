"""Cards that are to be held on, and holds that are of no use."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.hold import GIVEN_UP, LAPSES_SOON, LEAD
from ..domain.life import Status
from ..domain.payment import Payment


async def lock_due_cards(session: AsyncSession, at: datetime, *, limit: int) -> Sequence[Payment]:
    """Saved ones of visits that are near, and that somebody may still call done."""
    near = Payment.visit_start <= at + LEAD
    due = select(Payment).where(Payment.status == Status.CARD_SAVED, near, Payment.visit_end > at - GIVEN_UP)
    first = due.order_by(Payment.visit_start).limit(limit)
    return (await session.scalars(first.with_for_update(skip_locked=True))).all()


async def lock_useless_holds(session: AsyncSession, at: datetime, *, limit: int) -> Sequence[Payment]:
    useless = or_(Payment.capture_before <= at + LAPSES_SOON, Payment.capture_before < Payment.visit_start - LEAD)
    held = select(Payment).where(Payment.status == Status.AUTHORISED, useless)
    first = held.order_by(Payment.capture_before).limit(limit)
    return (await session.scalars(first.with_for_update(skip_locked=True))).all()
