"""Asking the provider of our own accord, because a webhook may never come. Who does not answer is asked again later."""

from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncSession

from shared.tasks import NotNow, Outside

from ..clients import Provider
from ..domain.life import IntentKind, Status
from ..domain.payment import Payment
from ..domain.provider import Intent, Unanswered
from ..domain.webhook import Outcome
from ..queries.payments import claim_quiet_payments, get_payment, lock_payment_behind
from ..queries.refunds import claim_quiet_refunds
from . import tasks
from .holds import capture_hold
from .intents import cancel_intent, cancel_setup
from .refunds import check_refunds
from .settlement import settle_intent, settle_setup

OPEN = (Status.REQUIRES_PAYMENT, Status.CANCELLING, Status.CAPTURING, Status.RELEASING)


async def ask_about_quiet_intents(session: AsyncSession, *, limit: int) -> None:
    """Those that wait for a payment or for their end, and that a person has not been told of."""
    for payment_id in await claim_quiet_payments(session, OPEN, limit=limit):
        tasks.enqueue(session, check_intent, payment_id=payment_id)


async def ask_about_sent_refunds(session: AsyncSession, *, limit: int) -> None:
    for payment_id in await claim_quiet_refunds(session, limit=limit):
        tasks.enqueue(session, check_refunds, payment_id=payment_id)


async def clear_attention(session: AsyncSession, payment_id: int) -> None:
    """A person has looked at it: ask the provider again, whatever it is waiting for."""
    payment = await get_payment(session, payment_id, lock=True)
    payment.attention = None
    tasks.enqueue(session, check_intent, payment_id=payment_id)
    tasks.enqueue(session, check_refunds, payment_id=payment_id)


@tasks.call
async def check_intent(outside: Outside, payment_id: int) -> None:
    """What the provider says is settled as if it had told us. One that should be gone, or taken, is so once more."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
    if payment.status not in OPEN:
        return
    with suppress(Unanswered, NotNow):
        if payment.status is Status.REQUIRES_PAYMENT:
            await _look_up(outside, payment)
        else:
            await _do_again(outside, payment)


async def _look_up(outside: Outside, payment: Payment) -> None:
    provider = outside.client(Provider)
    if payment.intent_kind is IntentKind.SETUP and payment.stripe_setup_intent_id:
        setup = await provider.get_setup(payment.stripe_setup_intent_id)
        async with outside.begin() as session:
            await settle_setup(session, setup)
    elif payment.stripe_payment_intent_id:
        intent = await provider.get_intent(payment.stripe_payment_intent_id)
        async with outside.begin() as session:
            await settle_intent(session, intent)


async def _do_again(outside: Outside, payment: Payment) -> None:
    if payment.status is Status.CAPTURING:
        await capture_hold(outside, payment.id)
    elif payment.intent_kind is IntentKind.SETUP:
        await cancel_setup(outside, payment.id)
    else:
        await cancel_intent(outside, payment.id)


async def note_hold(session: AsyncSession, intent: Intent) -> Outcome:
    """The provider holds money, and until when, an answer says."""
    payment = await lock_payment_behind(session, intent)
    if payment is None:
        return Outcome.FOREIGN
    if payment.status not in OPEN:
        return Outcome.KNOWN
    tasks.enqueue(session, check_intent, payment_id=payment.id)
    return Outcome.DONE
