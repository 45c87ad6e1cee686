"""Payment intents: wanted, made, called off. Each payment of a booking has one."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingChargeCalledOff, BookingChargeDue, BookingHeld
from shared.contracts.payments import AuthorisationFailed, PaymentCaptured, PaymentFailed
from shared.outbox import record
from shared.tasks import NotNow, Outside

from ..clients import Provider
from ..domain.booking import part_of
from ..domain.life import IntentKind, Purpose, Status
from ..domain.payment import Payment
from ..domain.provider import Intent, RefusedByProvider
from ..queries.bookings import keep_booking
from ..queries.kept_cards import payment_with_wallet
from ..queries.payments import get_payment, insert_first, insert_payment, lock_payments_of
from . import tasks
from .asking import ask
from .on_site import agree, is_paid_on_site, settle_at_the_door
from .rest import card_of, charge_saved_card, is_charged_to_saved_card
from .settlement import adopt, settle_intent, settle_setup

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
        have_intent_made(session, payment)


def have_intent_made(session: AsyncSession, payment: Payment) -> None:
    make = create_setup if payment.intent_kind is IntentKind.SETUP else create_intent
    tasks.enqueue(session, make, payment_id=payment.id)


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
        have_intent_made(session, payment)
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
    async with outside.read() as session:
        payment, customer_id = await payment_with_wallet(session, payment_id)
        card = await card_of(session, payment)
    if not payment.awaits_intent:
        return
    provider = outside.client(Provider)
    try:
        intent = await ask(
            outside,
            payment,
            call=lambda: provider.create_intent(payment, card, customer_id),
            find=lambda: provider.find_intent(payment.reference, since=payment.requested_at),
        )
    except RefusedByProvider as refusal:
        await _fail(outside, payment, refusal.reason)
    else:
        await _keep(outside, payment, intent)


async def _keep(outside: Outside, payment: Payment, intent: Intent) -> None:
    """Written only onto the row that was read: changed meanwhile, the call is made again, with the same answer."""
    async with outside.begin() as session:
        session.add(payment)
        if not adopt(session, payment, payment.take_intent(intent)):
            tasks.enqueue(session, cancel_intent, payment_id=payment.id)
        elif is_charged_to_saved_card(payment):
            tasks.enqueue(session, charge_saved_card, payment_id=payment.id)


@tasks.call
async def create_setup(outside: Outside, payment_id: int) -> None:
    """As an intent is made; what its customer agrees to is that the card is charged later."""
    async with outside.read() as session:
        payment, customer_id = await payment_with_wallet(session, payment_id)
    if not payment.awaits_intent:
        return
    provider = outside.client(Provider)
    try:
        setup = await ask(
            outside,
            payment,
            call=lambda: provider.create_setup(payment, customer_id),
            find=lambda: provider.find_setup(payment.reference, since=payment.requested_at, customer_id=customer_id),
        )
    except RefusedByProvider as refusal:
        await _fail(outside, payment, refusal.reason)
        return
    async with outside.begin() as session:
        session.add(payment)
        if not adopt(session, payment, payment.take_setup(setup)):
            tasks.enqueue(session, cancel_setup, payment_id=payment.id)


async def _fail(outside: Outside, payment: Payment, reason: str) -> None:
    async with outside.begin() as session:
        session.add(payment)
        if payment.fail(reason):
            fact = AuthorisationFailed if payment.is_promised else PaymentFailed
            record(session, fact.of(payment, reason=reason))


def stop(session: AsyncSession, payment: Payment) -> None:
    """A locked payment is not wanted any more; one that was taken stays."""
    if not payment.call_off():
        return
    if payment.intent_kind is IntentKind.SETUP and payment.stripe_setup_intent_id:
        tasks.enqueue(session, cancel_setup, payment_id=payment.id)
    elif payment.stripe_payment_intent_id:
        tasks.enqueue(session, cancel_intent, payment_id=payment.id)


@tasks.call
async def cancel_intent(outside: Outside, payment_id: int) -> None:
    """So that nobody can pay any more, and nothing is held. If somebody just has paid, that is what the provider
    answers, and it counts."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
    intent_id = payment.stripe_payment_intent_id
    if payment.status not in (Status.CANCELLING, Status.RELEASING) or intent_id is None:
        return
    intent = await outside.client(Provider).cancel_intent(intent_id)
    async with outside.begin() as session:
        await settle_intent(session, intent)
    if not intent.is_final:
        raise NotNow(SOON)


@tasks.call
async def cancel_setup(outside: Outside, payment_id: int) -> None:
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
    if payment.status is not Status.CANCELLING or payment.stripe_setup_intent_id is None:
        return
    setup = await outside.client(Provider).cancel_setup(payment.stripe_setup_intent_id)
    async with outside.begin() as session:
        await settle_setup(session, setup)
    if not setup.is_final:
        raise NotNow(SOON)
