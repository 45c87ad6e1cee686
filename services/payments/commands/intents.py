"""Payment intents: wanted, made, called off. Each payment of a booking has one."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import (
    BookingChargeCalledOff,
    BookingChargeDue,
    BookingCompleted,
    BookingEvent,
    BookingHeld,
)
from shared.contracts.payments import PaymentCaptured, PaymentFailed
from shared.outbox import record
from shared.tasks import NotNow, Outside

from ..clients import Provider
from ..domain.booking import part_of
from ..domain.payment import Payment, Purpose, Status
from ..domain.provider import Intent, RefusedByProvider, SavedCard
from ..queries.bookings import keep_booking
from ..queries.payments import find_first, get_payment, insert_first, insert_payment, lock_payments_of
from . import tasks
from .asking import ask
from .on_site import agree, is_paid_on_site, settle_at_the_door, settle_on_site
from .rest import charge_saved_card, want_rest
from .settlement import adopt, settle_intent

SOON = timedelta(minutes=1)


async def prepare(session: AsyncSession, held: BookingHeld) -> None:
    """A booking waits for its money. Heard again, or after the booking was called off, it changes nothing."""
    if is_paid_on_site(held):
        await agree(session, held)
        return
    free = held.price_cents == 0
    payment = await insert_first(session, held, Status.CAPTURED if free else Status.PENDING)
    if payment is None:
        return
    if free:
        record(session, PaymentCaptured.of(payment))
    else:
        tasks.enqueue(session, create_intent, payment_id=payment.id)


async def complete(session: AsyncSession, done: BookingCompleted) -> None:
    """The job is done: what was left to be paid then is wanted now. Heard again it changes nothing."""
    booking = await keep_booking(session, done)
    if booking.is_gone:
        return
    if is_paid_on_site(done):
        await settle_on_site(session, done)
    elif rest := await want_rest(session, done):
        tasks.enqueue(session, create_intent, payment_id=rest.id)


async def prepare_extra(session: AsyncSession, due: BookingChargeDue) -> None:
    """More is to be paid, in a payment of its own; heard again, or after the booking has gone, it changes nothing."""
    booking = await keep_booking(session, due)
    if booking.is_gone or booking.costs_less_since(due) or due.charge_cents <= 0:
        return
    payment = await insert_payment(
        session,
        due,
        purpose=Purpose.EXTRA,
        cause=f"booking:{due.booking_id}:{due.version}",
        amount_cents=due.charge_cents,
        commission_cents=part_of(due.commission_cents, due.charge_cents, due.price_cents),
        tax_cents=part_of(due.tax_cents, due.charge_cents, due.price_cents),
        status=Status.ON_SITE if is_paid_on_site(due) else Status.PENDING,
    )
    if payment is None:
        return
    if payment.status is Status.PENDING:
        tasks.enqueue(session, create_intent, payment_id=payment.id)
    elif booking.status == "completed":
        await settle_at_the_door(session, payment)


async def call_off_extras(session: AsyncSession, off: BookingChargeCalledOff) -> None:
    """What was asked for on top before is not wanted any more. Of what is paid all the same booking hears, and says
    what is to go back."""
    await keep_booking(session, off)
    for payment in await lock_payments_of(session, off.booking_id):
        if payment.purpose is Purpose.EXTRA and payment.answered_version < off.version:
            stop(session, payment)


@tasks.call
async def create_intent(outside: Outside, payment_id: int) -> None:
    """The row is the intention. Called again after a crash, the provider answers the same key with the same intent."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
        card = await _card_of(session, payment)
    if not payment.awaits_intent:
        return
    provider = outside.client(Provider)
    try:
        intent = await ask(
            outside,
            payment,
            call=lambda: provider.create_intent(payment, card),
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
        elif payment.purpose is Purpose.REST:
            tasks.enqueue(session, charge_saved_card, payment_id=payment.id)


async def _card_of(session: AsyncSession, payment: Payment) -> SavedCard | None:
    """That of the deposit, for what is left."""
    deposit = await find_first(session, payment.booking_id) if payment.purpose is Purpose.REST else None
    return deposit.saved_card if deposit else None


async def _fail(outside: Outside, payment: Payment, reason: str) -> None:
    async with outside.begin() as session:
        session.add(payment)
        if payment.fail(reason):
            record(session, PaymentFailed.of(payment, reason=reason))


async def call_off(session: AsyncSession, booking: BookingEvent) -> None:
    """The booking is gone, unless something newer is known. Heard first, its payment begins and ends here, and no
    intent is ever made; of money that was taken booking hears, and says what is to go back."""
    if not (await keep_booking(session, booking)).is_gone:
        return
    await insert_first(session, booking, Status.CANCELLED)
    for payment in await lock_payments_of(session, booking.booking_id):
        stop(session, payment)


def stop(session: AsyncSession, payment: Payment) -> None:
    """A locked payment is not wanted any more; one that was taken stays."""
    if payment.call_off() and payment.stripe_payment_intent_id:
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
