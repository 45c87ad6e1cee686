"""What affiliates take at the door: we take nothing, and are owed the commission once the job is done."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingCompleted, BookingEvent
from shared.contracts.payments import PaidOnSite, PaymentOnSite
from shared.outbox import record
from shared.terms import PaymentMode

from ..domain.life import Status
from ..domain.payment import Payment
from ..queries.payments import insert_first, lock_payments_of
from . import ledger


def is_paid_on_site(booking: BookingEvent) -> bool:
    """What costs nothing is paid already."""
    return booking.payment_mode == PaymentMode.ON_SITE and booking.price_cents > 0


async def agree(session: AsyncSession, booking: BookingEvent) -> None:
    """Nothing to wait for: booking may confirm. Heard again, or when the booking is off, no more."""
    payment = await insert_first(session, booking, Status.ON_SITE)
    if payment is not None:
        record(session, PaymentOnSite.of(payment))


async def settle_on_site(session: AsyncSession, done: BookingCompleted) -> None:
    """The affiliate has been paid at the door. Heard before the booking itself, its payment begins as paid."""
    await insert_first(session, done, Status.ON_SITE)
    for payment in await lock_payments_of(session, done.booking_id):
        await settle_at_the_door(session, payment)


async def settle_at_the_door(session: AsyncSession, payment: Payment) -> None:
    if payment.pay_on_site():
        await ledger.post(session, payment)
        record(session, PaidOnSite.of(payment))
