"""Tips: wanted by the customer, made and paid as any payment is, and the affiliate's alone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.payments import PaymentCaptured
from shared.platform_config import THE_ONE, PlatformConfig

from ..domain.life import TAKEN, Purpose
from ..domain.payment import Payment
from ..domain.tip import TippedAlready, TipsNotTaken, must_be_fair
from ..queries.bookings import lock_booking_for
from ..queries.payments import insert_payment, lock_tips_of, lock_unpaid_tips
from . import tasks
from .intents import create_intent, stop


async def tip(session: AsyncSession, actor: Actor, booking_id: int, cents: int) -> Payment:
    """One that is not paid is replaced by the next; once one is paid, no more."""
    config = await session.get(PlatformConfig, THE_ONE)
    if config is not None and not config.tips_allowed:
        raise TipsNotTaken
    booking = await lock_booking_for(session, actor, booking_id)
    must_be_fair(booking, cents)
    before = await lock_tips_of(session, booking_id)
    if any(payment.status in TAKEN for payment in before):
        raise TippedAlready
    for payment in before:
        stop(session, payment)
    amount = {"amount_cents": cents, "commission_cents": 0, "tax_cents": 0}
    made = await insert_payment(session, booking, purpose=Purpose.TIP, cause=f"tip:{len(before) + 1}", **amount)
    assert made is not None  # the booking is locked: nobody else makes this one
    tasks.enqueue(session, create_intent, payment_id=made.id)
    return made


async def keep_one(session: AsyncSession, paid: PaymentCaptured) -> None:
    """One that was replaced may have been paid in that very second. Then none is open any more; what is paid after it
    all the same goes back at once (`settlement`). Heard again it changes nothing."""
    if paid.purpose != Purpose.TIP:
        return
    for payment in await lock_tips_of(session, paid.booking_id):
        stop(session, payment)


async def forget_unpaid(session: AsyncSession, *, before: datetime, limit: int) -> None:
    """Whoever has not paid a tip by then has thought better of it."""
    for payment in await lock_unpaid_tips(session, before=before, limit=limit):
        stop(session, payment)
