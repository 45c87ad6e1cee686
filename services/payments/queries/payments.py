"""Payments, and who may see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import BookingEvent

from ..domain.booking import Booking, parts_of
from ..domain.hold import FormerIntent, agreed_by
from ..domain.life import CAN_BE_CALLED_OFF, TAKEN, Purpose, Status
from ..domain.payment import NoSuchPayment, Payment
from ..domain.provider import Intent, Setup
from . import QUIET

LOCK_TIPS = text("select pg_advisory_xact_lock(hashtextextended('tips of booking ' || :booking_id, 0))")
NEW = insert(Payment).on_conflict_do_nothing().returning(Payment)  # built once: each booking has one


async def insert_payment(
    session: AsyncSession, booking: BookingEvent | Booking | Payment, **values: Any
) -> Payment | None:
    """A new payment with the intention to have an intent made; None if the booking has one for this cause."""
    of = {name: getattr(booking, name) for name in ("booking_id", "customer_id", "affiliate_id", "currency")}
    row = {**of, "status": Status.PENDING, **values, **Payment.intended()}
    return await session.scalar(NEW, [row])


async def insert_first(session: AsyncSession, booking: BookingEvent, status: Status) -> Payment | None:
    """What confirms a booking; None if it has that payment."""
    return await insert_payment(
        session,
        booking,
        purpose=Purpose.BOOKING,
        cause=f"booking:{booking.booking_id}",
        status=status,
        **parts_of(booking),
        **agreed_by(booking, now()),
    )


async def find_first(session: AsyncSession, booking_id: int, *, lock: bool = False) -> Payment | None:
    """What confirms a booking."""
    first = _of_booking(booking_id).where(Payment.purpose == Purpose.BOOKING)
    return await session.scalar(first.with_for_update() if lock else first)


async def get_payment(session: AsyncSession, payment_id: int, *, lock: bool = False) -> Payment:
    payment = await session.get(Payment, payment_id, with_for_update=lock or None)
    if payment is None:
        raise NoSuchPayment
    return payment


async def payment_for(session: AsyncSession, actor: Actor, payment_id: int) -> Payment:
    """A payment that this actor may see; to all others it does not exist."""
    return _visible(await session.get(Payment, payment_id), actor)


async def payment_of_booking(session: AsyncSession, actor: Actor, booking_id: int) -> Payment:
    """The one of a booking that is to be paid now, else the latest. It shows once the provider is ready, so that
    whoever waits for it can pay, and goes on to when a card that is known is to be held on."""
    shows = or_(Payment.status != Status.PENDING, Payment.payment_method.is_not(None))
    ready = select(Payment).where(Payment.booking_id == booking_id, shows)
    payable = Payment.status == Status.REQUIRES_PAYMENT
    first = ready.order_by(payable.desc(), case((payable, Payment.id), else_=-Payment.id)).limit(1)
    return _visible(await session.scalar(first), actor)


async def payments_of_booking(session: AsyncSession, actor: Actor, booking_id: int) -> Sequence[Payment]:
    """All of them, in the order in which they were asked for; they are all of one customer and one affiliate."""
    payments = (await session.scalars(_of_booking(booking_id))).all()
    if not payments or not payments[0].may_be_seen_by(actor):
        raise NoSuchPayment
    return payments


def _visible(payment: Payment | None, actor: Actor) -> Payment:
    if payment is None or not payment.may_be_seen_by(actor):
        raise NoSuchPayment
    return payment


def _of_booking(booking_id: int) -> Select[Payment]:
    return select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.id)


async def saved_methods_of(session: AsyncSession, customer_id: int) -> Sequence[str]:
    """The provider's names of all cards of a customer that it knows as somebody's."""
    method = Payment.payment_method["id"].astext
    known = Payment.payment_method["customer"].astext.is_not(None)
    of = select(method).where(Payment.customer_id == customer_id, known, method.is_not(None)).distinct()
    return (await session.scalars(of)).all()


async def lock_payments_of(session: AsyncSession, booking_id: int) -> Sequence[Payment]:
    """Of a booking's price, oldest first; what its customer tips is no part of that."""
    of_price = _of_booking(booking_id).where(Payment.purpose != Purpose.TIP)
    return (await session.scalars(of_price.with_for_update())).all()


async def lock_tips_of(session: AsyncSession, booking_id: int) -> Sequence[Payment]:
    tips = _of_booking(booking_id).where(Payment.purpose == Purpose.TIP)
    return (await session.scalars(tips.with_for_update())).all()


async def is_tipped(session: AsyncSession, tip: Payment) -> bool:
    """Whether another tip of its booking was paid before. Of several that are settled at once one finds none: whoever
    asks here waits for the one before to have ended."""
    await session.execute(LOCK_TIPS, {"booking_id": str(tip.booking_id)})
    paid = _of_booking(tip.booking_id).where(Payment.purpose == Purpose.TIP, Payment.status.in_(TAKEN))
    return await session.scalar(paid.where(Payment.id != tip.id, ~Payment.surplus).limit(1)) is not None


async def lock_unpaid_tips(session: AsyncSession, *, before: datetime, limit: int) -> Sequence[Payment]:
    open_tips = select(Payment).where(Payment.purpose == Purpose.TIP, Payment.status.in_(CAN_BE_CALLED_OFF))
    old = open_tips.where(Payment.created_at < before).order_by(Payment.created_at).limit(limit)
    return (await session.scalars(old.with_for_update(skip_locked=True))).all()


async def lock_payment_behind(session: AsyncSession, intent: Intent) -> Payment | None:
    """By the intent's id; by our reference in it, if we do not know the id."""
    of = select(Payment).with_for_update()
    known = await session.scalar(of.where(Payment.stripe_payment_intent_id == intent.id))
    if known is not None or intent.reference is None:
        return known
    return await session.scalar(of.where(Payment.reference == intent.reference))


async def lock_payment_once_behind(session: AsyncSession, intent_id: str) -> Payment | None:
    """Which has let this intent go."""
    former = select(FormerIntent.payment_id).where(FormerIntent.stripe_payment_intent_id == intent_id)
    return await session.scalar(select(Payment).where(Payment.id == former.scalar_subquery()).with_for_update())


async def lock_payment_set_up(session: AsyncSession, setup: Setup) -> Payment | None:
    """By the setup intent's id; by our reference in it, if we do not know the id."""
    of = select(Payment).with_for_update()
    known = await session.scalar(of.where(Payment.stripe_setup_intent_id == setup.id))
    if known is not None or setup.reference is None:
        return known
    return await session.scalar(of.where(Payment.reference == setup.reference))


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
            func.coalesce(Payment.stripe_payment_intent_id, Payment.stripe_setup_intent_id).is_not(None),
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
