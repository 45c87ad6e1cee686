"""One payment intent per booking: wanted, made, called off."""

from datetime import timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingEvent, BookingHeld
from shared.contracts.payments import PaymentCaptured, PaymentFailed
from shared.outbox import record
from shared.tasks import NotNow, Outside

from ..clients import Provider
from ..domain.payment import Payment, Status
from ..domain.provider import Intent, RefusedByProvider
from ..queries.payments import get_payment, lock_payment_of
from . import tasks
from .asking import ask
from .settlement import adopt, settle_intent

SOON = timedelta(minutes=1)


async def prepare(session: AsyncSession, held: BookingHeld) -> None:
    """A booking waits for its money. Heard again, or after the booking was called off, it changes nothing."""
    free = held.price_cents == 0
    payment = await _begin(session, held, status=Status.CAPTURED if free else Status.PENDING)
    if payment is None:
        return
    if free:
        record(session, PaymentCaptured.of(payment))
    else:
        tasks.enqueue(session, create_intent, payment_id=payment.id)


async def _begin(session: AsyncSession, booking: BookingEvent, *, status: Status) -> Payment | None:
    """A new payment with the intention to have an intent made; None if the booking has one."""
    values: dict[str, Any] = {
        "booking_id": booking.booking_id,
        "customer_id": booking.customer_id,
        "affiliate_id": booking.affiliate_id,
        "amount_cents": booking.price_cents,
        "commission_cents": booking.commission_cents,
        "tax_cents": booking.tax_cents,
        "currency": booking.currency,
        "status": status,
        **Payment.intended(),
    }
    new = insert(Payment).values(values).on_conflict_do_nothing(index_elements=["booking_id"]).returning(Payment)
    return await session.scalar(new)


@tasks.call
async def create_intent(outside: Outside, payment_id: int) -> None:
    """The row is the intention. Called again after a crash, the provider answers the same key with the same intent."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
    if not payment.awaits_intent:
        return
    provider = outside.client(Provider)
    try:
        intent = await ask(
            outside,
            payment,
            call=lambda: provider.create_intent(payment),
            find=lambda: provider.find_intent(payment.reference, since=payment.created_at),
        )
    except RefusedByProvider as refusal:
        await _fail(outside, payment, refusal.reason)
    else:
        await _keep(outside, payment, intent)


async def _keep(outside: Outside, payment: Payment, intent: Intent) -> None:
    """Written only onto the row that was read: changed meanwhile, the call is made again, with the same answer."""
    async with outside.begin() as session:
        session.add(payment)
        if not adopt(session, payment, intent):
            tasks.enqueue(session, cancel_intent, payment_id=payment.id)


async def _fail(outside: Outside, payment: Payment, reason: str) -> None:
    async with outside.begin() as session:
        session.add(payment)
        if payment.fail(reason):
            record(session, PaymentFailed.of(payment, reason=reason))


async def call_off(session: AsyncSession, booking: BookingEvent) -> None:
    """The booking is gone. Heard first, the payment begins and ends here, and no intent is ever made; after the money
    was taken it changes nothing: booking hears of that, and says what is to go back."""
    if await _begin(session, booking, status=Status.CANCELLED) is not None:
        return
    payment = await lock_payment_of(session, booking.booking_id)
    if payment and payment.call_off() and payment.stripe_payment_intent_id:
        tasks.enqueue(session, cancel_intent, payment_id=payment.id)


@tasks.call
async def cancel_intent(outside: Outside, payment_id: int) -> None:
    """So that nobody can pay any more. If somebody just has, that is what the provider answers, and it counts."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
    if payment.status is not Status.CANCELLING or payment.stripe_payment_intent_id is None:
        return
    intent = await outside.client(Provider).cancel_intent(payment.stripe_payment_intent_id)
    async with outside.begin() as session:
        await settle_intent(session, intent)
    if not intent.is_final:
        raise NotNow(SOON)
