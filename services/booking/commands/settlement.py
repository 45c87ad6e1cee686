"""What follows from money that has come."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.booking import BookingCancelled, BookingConfirmed, BookingPaid, BookingRefundDue
from shared.contracts.payments import CardSaved, PaymentAuthorised, PaymentCaptured, PaymentEvent, PaymentOnSite
from shared.outbox import record
from shared.personal import is_erased
from shared.terms import PaymentMode

from ..domain.booking import Booking
from ..domain.life import GONE, Status
from ..domain.slots import Schedule
from ..queries.bookings import count_payment, get_booking
from ..queries.offers import get_offer
from ..queries.promotions import promotion_of
from ..queries.quotes import accepted_anew
from ..queries.slots import lock_schedule, schedule_of
from .holding import expire_now

CONFIRMS, ON_TOP = "booking", ("rest", "extra", "fee")


async def settle_payment(session: AsyncSession, paid: PaymentCaptured) -> None:
    """By what was paid; a tip, or what a later version of payments may think of, is no part of a booking's price."""
    if paid.purpose == CONFIRMS:
        await _settle_first(session, paid, paid.amount_cents)
    elif paid.purpose in ON_TOP:
        await _settle_more(session, paid)


async def settle_agreement(session: AsyncSession, agreed: PaymentOnSite | PaymentAuthorised | CardSaved) -> None:
    """The affiliate takes the money, or it is taken when the job is done: there is nothing to wait for, and nothing
    that we could send back."""
    if agreed.purpose == CONFIRMS:
        await _settle_first(session, agreed, 0)


async def _settle_more(session: AsyncSession, paid: PaymentEvent) -> None:
    """More of the price of a booking that is confirmed has come; if that is gone by now, it goes back, but for a fee.
    Each payment counts once, in whatever order they come; what was called off may have been paid all the same."""
    booking = await get_booking(session, paid.booking_id, lock=True)
    if not await count_payment(session, booking.id, paid.payment_id, paid.amount_cents):
        return
    if booking.status in GONE and (back := booking.owe_back_more(paid.amount_cents)):
        record(session, BookingRefundDue.of(booking, refund_cents=back))
        return
    if booking.status not in GONE:
        booking.take_more(paid.amount_cents)
    record(session, BookingPaid.of(booking))
    give_back_excess(session, booking)


def give_back_excess(session: AsyncSession, booking: Booking) -> None:
    """Whatever was paid when, a booking costs its price."""
    if back := booking.settle_less():
        record(session, BookingRefundDue.of(booking, refund_cents=back))


async def _settle_first(session: AsyncSession, paid: PaymentEvent, paid_cents: int) -> None:
    """The money has come: confirm; too late, take the slot again if it is free, else send the money back.

    Early (the booking is always committed before payments can hear of it) it cannot come; twice changes nothing.
    Once the appointment should have begun it is too late, whether or not the job has ended the hold by then; and once
    the hold ran out and others have used its promotion up.
    """
    await lock_schedule(session, paid.affiliate_id)
    booking = await get_booking(session, paid.booking_id, lock=True)
    at_its_price = not await _lost_its_promotion(session, booking)
    at_its_price &= not await accepted_anew(session, booking.quote_id, booking.id)
    if booking.status is Status.HELD and now() < booking.appointment_start and at_its_price:
        booking.confirm(paid_cents, now())
        record(session, BookingConfirmed.of(booking))
    elif booking.status in (Status.HELD, Status.EXPIRED):
        await _take_again(session, booking, paid_cents, at_its_price)
    elif booking.payment_mode is PaymentMode.AUTHORISE:
        if paid_cents:  # what was agreed to is taken only now, or a fee instead
            await _settle_more(session, paid)
    elif booking.status is Status.CANCELLED and booking.paid_cents < paid_cents:
        booking.owe_back(paid_cents)
        record(session, BookingRefundDue.of(booking))


async def _lost_its_promotion(session: AsyncSession, booking: Booking) -> bool:
    promotion = await promotion_of(session, booking)
    return promotion is not None and promotion.at >= booking.hold_expires_at and promotion.is_used_up


async def _take_again(session: AsyncSession, booking: Booking, paid_cents: int, at_its_price: bool) -> None:
    schedule = await _schedule(session, booking)
    crew = schedule.free_again(booking.id, booking.crew_id, booking.appointment_start, booking.stop)
    gone = await is_erased(session, f"customer:{booking.customer_id}")
    if gone or crew is None or booking.appointment_start <= now() or not at_its_price:
        booking.turn_away(paid_cents, now())
        record(session, BookingCancelled.of(booking, reason=booking.cancel_reason))
        return
    start, minutes = booking.appointment_start, booking.stop.minutes
    await expire_now(session, schedule.lapsed_in_the_way(crew, start, minutes))
    booking.block(crew)
    booking.confirm(paid_cents, now())
    record(session, BookingConfirmed.of(booking))


async def _schedule(session: AsyncSession, booking: Booking) -> Schedule:
    offer = await get_offer(session, booking.tier_id)
    day = booking.appointment_start.astimezone(offer.affiliate.zone).date()
    return await schedule_of(session, offer, day, day)
