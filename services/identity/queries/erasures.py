"""Reading erasures, and what they wait for."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Inbox
from shared.contracts.identity import ErasureAccepted
from shared.outbox import BusinessEvent

from ..domain.account import User
from ..domain.erasure import Erasure, ErasureReceipt, ErasureStatus, LiveBooking, NoSuchErasure
from ..domain.session import digest

ALIVE = ("requested", "held", "confirmed", "en_route", "in_progress")
LIVE = LiveBooking.status.in_(ALIVE) & (LiveBooking.appointment_end > func.now())


ACCEPTED_AND_HEARD = exists().where(
    BusinessEvent.aggregate_type == ErasureAccepted.aggregate,
    BusinessEvent.aggregate_id == Erasure.id,
    BusinessEvent.type == ErasureAccepted.type,
    Inbox.event_id == BusinessEvent.event_id,
    Inbox.consumer == "identity.let_it_be_mailed",
)


async def has_live_booking(session: AsyncSession, customer_id: int | None) -> bool:
    return bool(await session.scalar(select(exists().where(_live_of(customer_id)))))


def _live_of(customer_id: ColumnElement[int] | int | None) -> ColumnElement[bool]:
    return (LiveBooking.customer_id == customer_id) & LIVE


async def claim_due_erasures(session: AsyncSession, at: datetime, *, limit: int) -> Sequence[Erasure]:
    """Those that nothing keeps from going on, or that somebody has not answered for a day. While the broker is away
    nobody can be mailed that theirs was accepted, and it waits: afterwards there is no address."""
    waits = exists().where(LiveBooking.customer_id == Erasure.customer_id, LIVE)
    told = or_(Erasure.asked_at.is_not(None), ACCEPTED_AND_HEARD)
    due = select(Erasure).where(Erasure.status != ErasureStatus.DONE, Erasure.due_at <= at, ~waits, told)
    return (await session.scalars(due.order_by(Erasure.due_at).limit(limit).with_for_update(skip_locked=True))).all()


async def lock_erasure(session: AsyncSession, erasure_id: int) -> Erasure:
    return await session.get_one(Erasure, erasure_id, with_for_update=True)


async def lock_former_user(session: AsyncSession, user_id: int) -> User:
    """Whether or not the account was closed."""
    return await session.get_one(User, user_id, with_for_update=True)


async def get_erasure(session: AsyncSession, secret: str) -> Erasure:
    erasure = await session.scalar(select(Erasure).where(Erasure.secret_hash == digest(secret)))
    if erasure is None:
        raise NoSuchErasure
    return erasure


async def keep_receipt(session: AsyncSession, values: dict[str, object]) -> None:
    """The first counts: a service that is asked again finds nothing any more."""
    await session.execute(insert(ErasureReceipt).values(values).on_conflict_do_nothing())


async def receipts_of(session: AsyncSession, erasure_id: int) -> Sequence[ErasureReceipt]:
    of = select(ErasureReceipt).where(ErasureReceipt.erasure_id == erasure_id)
    return (await session.scalars(of.order_by(ErasureReceipt.id))).all()


async def forget_past_bookings(session: AsyncSession, before: datetime) -> None:
    await session.execute(delete(LiveBooking).where(LiveBooking.appointment_end < before))
