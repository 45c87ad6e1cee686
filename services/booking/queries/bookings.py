"""Appointments, and who may see them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, and_, case, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.booking import Booking, NoSuchBooking
from ..domain.counted_payment import CountedPayment
from ..domain.life import ACTIVE, UNDER_WAY, WAITING, Status

LOCK_CUSTOMER = text("select pg_advisory_xact_lock(hashtextextended('customer ' || :customer_id, 0))")
# Spelled out, as the exclusion constraint has it: so its index serves whatever plan the database takes.
IS_ACTIVE = Booking.status.in_([literal_column(f"'{status}'") for status in ACTIVE])
IS_DONE = Booking.status.in_([literal_column(f"'{status}'") for status in (Status.COMPLETED, Status.NO_SHOW)])
IS_WAITING = Booking.status.in_([literal_column(f"'{status}'") for status in WAITING])
LAPSED = and_(IS_WAITING, Booking.hold_expires_at <= func.clock_timestamp())


async def lock_customer(session: AsyncSession, customer_id: int) -> None:
    await session.execute(LOCK_CUSTOMER, {"customer_id": str(customer_id)})


async def lapsed_holds(session: AsyncSession, ids: Sequence[int]) -> Sequence[Booking]:
    """Those of these bookings that are still unpaid holds whose time has run out, locked."""
    return (await session.scalars(_lapsed().where(Booking.id.in_(ids)).with_for_update())).all()


async def holds_past_their_time(session: AsyncSession, *, limit: int) -> Sequence[Booking]:
    statement = _lapsed().order_by(Booking.hold_expires_at).limit(limit)
    return (await session.scalars(statement.with_for_update(skip_locked=True))).all()


def _lapsed() -> Select[Booking]:
    return select(Booking).where(LAPSED)


async def get_booking(session: AsyncSession, booking_id: int, *, lock: bool = False) -> Booking:
    booking = await session.get(Booking, booking_id, with_for_update=lock or None)
    if booking is None:
        raise NoSuchBooking
    return booking


async def count_payment(session: AsyncSession, booking_id: int, payment_id: int, amount_cents: int) -> bool:
    """Says whether it is counted for the first time."""
    row = insert(CountedPayment).values(payment_id=payment_id, booking_id=booking_id, amount_cents=amount_cents)
    return await session.scalar(row.on_conflict_do_nothing().returning(CountedPayment.payment_id)) is not None


async def booking_for(session: AsyncSession, actor: Actor, booking_id: int, *, lock: bool = False) -> Booking:
    """A booking that this actor may see; to all others it does not exist."""
    booking = await get_booking(session, booking_id, lock=lock)
    if not booking.may_be_seen_by(actor):
        raise NoSuchBooking
    return booking


async def rivals_of(session: AsyncSession, booking: Booking, *, lock: bool = False) -> Sequence[Booking]:
    """Other open requests to the same affiliate for a time that overlaps."""
    others = select(Booking).where(
        Booking.affiliate_id == booking.affiliate_id,
        Booking.status == Status.REQUESTED,
        Booking.id != booking.id,
        Booking.appointment_start < booking.appointment_end,
        Booking.appointment_end > booking.appointment_start,
        ~LAPSED,
    )
    ordered = others.order_by(Booking.id)
    return (await session.scalars(ordered.with_for_update() if lock else ordered)).all()


async def bookings_of(session: AsyncSession, actor: Actor, page: Page, status: Status | None) -> Paged[Booking]:
    statement = select(Booking)
    if not actor.is_staff:
        statement = statement.where(
            or_(Booking.customer_id == actor.customer_id, Booking.affiliate_id.in_(actor.affiliates))
        )
    if status is not None:
        statement = statement.where(Booking.status == status)
    return await page.of(session, statement, Booking.appointment_start, Booking.id, descending=True)


async def live_until(session: AsyncSession, customer_id: int) -> datetime | None:
    """When the last of the customer's live bookings ends: held until the job ends it, or confirmed and not over."""
    confirmed = and_(Booking.status.in_(UNDER_WAY), Booking.appointment_end > func.clock_timestamp())
    ends = func.max(case((Booking.status.in_(WAITING), Booking.hold_expires_at), else_=Booking.appointment_end))
    live = or_(Booking.status.in_(WAITING), confirmed)
    until: datetime | None = await session.scalar(select(ends).where(Booking.customer_id == customer_id, live))
    return until
