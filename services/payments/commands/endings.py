"""How a booking ends, and what that means for its payments: taken, called off, or a fee instead."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingCancelled, BookingCompleted, BookingExpired, BookingNoShow

from ..domain.life import PROMISED, Purpose, Status
from ..domain.payment import NotYetCaptured, Payment
from ..queries.bookings import keep_booking
from ..queries.payments import insert_first, lock_payments_of
from .holds import is_authorised, take
from .intents import have_intent_made, stop
from .on_site import is_paid_on_site, settle_on_site
from .rest import want_rest


async def complete(session: AsyncSession, done: BookingCompleted) -> None:
    """The job is done: what was left to be paid then is wanted now. Heard again it changes nothing."""
    booking = await keep_booking(session, done)
    if booking.is_gone:
        return
    if is_paid_on_site(done):
        await settle_on_site(session, done)
    elif is_authorised(done):
        await _take_price(session, done)
    elif rest := await want_rest(session, done):
        have_intent_made(session, rest)


async def _take_price(session: AsyncSession, done: BookingCompleted) -> None:
    """Before the payment is known: not now, but again later."""
    payments = await lock_payments_of(session, done.booking_id)
    first = next((one for one in payments if one.purpose is Purpose.BOOKING), None)
    if first is None:
        raise NotYetCaptured(f"booking {done.booking_id} has no payment yet")
    await take(session, first, first.amount_cents, Purpose.REST)


async def call_off(session: AsyncSession, booking: BookingCancelled | BookingExpired | BookingNoShow) -> None:
    """The booking is gone, unless something newer is known. Heard first, its payment begins and ends here, and no
    intent is ever made; of money that was taken booking hears, and says what is to go back."""
    if not (await keep_booking(session, booking)).is_gone:
        return
    await insert_first(session, booking, Status.CANCELLED)
    fee_cents = 0 if isinstance(booking, BookingExpired) else booking.fee_due_cents
    for payment in await lock_payments_of(session, booking.booking_id):
        if _is_to_be_stopped(payment, booking):
            await _end(session, payment, fee_cents)


def _is_to_be_stopped(payment: Payment, booking: BookingCancelled | BookingExpired | BookingNoShow) -> bool:
    """A fee is wanted because the booking is gone. Of one that was agreed to before its hold ran out booking hears, and
    takes its time again or calls it off."""
    return payment.purpose is not Purpose.FEE and not (
        isinstance(booking, BookingExpired) and payment.status in PROMISED
    )


async def _end(session: AsyncSession, payment: Payment, fee_cents: int) -> None:
    if payment.purpose is Purpose.BOOKING and fee_cents > 0:
        await take(session, payment, fee_cents, Purpose.FEE)
    else:
        stop(session, payment)
