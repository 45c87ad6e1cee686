"""Money that is held on a card: held when the visit is near, let go when that is of no use, taken when it is due."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.booking import BookingEvent, BookingRescheduled
from shared.tasks import Outside
from shared.terms import PaymentMode

from ..clients import Provider
from ..domain.booking import Booking, part_of
from ..domain.life import TAKEN, Purpose, Status
from ..domain.payment import NotYetCaptured, Payment
from ..queries.bookings import keep_booking
from ..queries.holds import lock_due_cards, lock_useless_holds
from ..queries.payments import find_first, get_payment, insert_payment
from . import tasks
from .intents import cancel_intent, create_intent, stop
from .parking import park
from .settlement import settle_intent


def is_authorised(booking: BookingEvent) -> bool:
    """What costs nothing is paid already."""
    return booking.payment_mode == PaymentMode.AUTHORISE and booking.price_cents > 0


async def note_move(session: AsyncSession, moved: BookingRescheduled) -> None:
    """The newest time that is known decides when its card is held on. Before the payment is known: again later."""
    if not is_authorised(moved):
        return
    booking = await keep_booking(session, moved)
    payment = await find_first(session, moved.booking_id, lock=True)
    if payment is None:
        raise NotYetCaptured(f"booking {moved.booking_id} has no payment yet")
    payment.visit_start, payment.visit_end = booking.appointment_start, booking.appointment_end


async def hold_due(session: AsyncSession, *, limit: int) -> None:
    """Of visits that are near: once, since what is begun is not saved any more."""
    for payment in await lock_due_cards(session, now(), limit=limit):
        payment.begin_hold()
        tasks.enqueue(session, create_intent, payment_id=payment.id)


async def release_useless(session: AsyncSession, *, limit: int) -> None:
    """Holds that end before their visit is near, and those that are about to end although its job is not done. Their
    cards stay saved, and are held on again when, or while, the visit is near: a customer is charged for a job that is
    done, so it is not taken meanwhile; and not held twice, so the new hold follows the old one."""
    for payment in await lock_useless_holds(session, now(), limit=limit):
        payment.release()
        tasks.enqueue(session, cancel_intent, payment_id=payment.id)


async def take(session: AsyncSession, first: Payment, cents: int, purpose: Purpose) -> None:
    """So much of what a locked payment holds. Where nothing is held, as a payment of its own, which is charged to the
    saved card; what that does not give, the customer pays by hand."""
    if first.collect(cents):
        tasks.enqueue(session, capture_hold, payment_id=first.id)
    elif first.status not in (*TAKEN, Status.CAPTURING):
        stop(session, first)
        await _charge_instead(session, first, cents, purpose)


async def _charge_instead(session: AsyncSession, first: Payment, cents: int, purpose: Purpose) -> None:
    payment = await insert_payment(
        session,
        first,
        purpose=purpose,
        cause=f"{purpose}:{first.booking_id}",
        amount_cents=min(cents, first.amount_cents),
        commission_cents=part_of(first.commission_cents, cents, first.amount_cents),
        tax_cents=part_of(first.tax_cents, cents, first.amount_cents),
    )
    if payment is not None:
        tasks.enqueue(session, create_intent, payment_id=payment.id)


@tasks.call
async def capture_hold(outside: Outside, payment_id: int) -> None:
    """What is wanted of it is in the row. A hold that has ended meanwhile is charged for by another payment."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
    if payment.status is not Status.CAPTURING or payment.stripe_payment_intent_id is None:
        return
    provider = outside.client(Provider)
    intent = await provider.capture_intent(payment.stripe_payment_intent_id, payment.amount_cents)
    async with outside.begin() as session:
        await settle_intent(session, intent)
        current = await get_payment(session, payment_id, lock=True)
        if current.status is Status.CAPTURING and intent.status != "succeeded":  # else what it took is another sum
            await _replace(session, current, has_ended=intent.is_final)


async def _replace(session: AsyncSession, payment: Payment, *, has_ended: bool) -> None:
    if not has_ended:
        park(payment, "The provider does not give what it holds.")
        return
    payment.close()
    booking = await session.get(Booking, payment.booking_id)
    purpose = Purpose.FEE if booking and booking.is_gone else Purpose.REST
    await _charge_instead(session, payment, payment.amount_cents, purpose)
