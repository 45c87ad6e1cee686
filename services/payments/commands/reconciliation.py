"""Asking the provider of our own accord, because a webhook may never come. Who does not answer is asked again later."""

from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncSession

from shared.tasks import Outside

from ..clients import Provider
from ..domain.payment import Status
from ..domain.provider import Unanswered
from ..queries.payments import claim_quiet_payments, get_payment
from ..queries.refunds import claim_quiet_refunds
from . import tasks
from .refunds import check_refunds
from .settlement import settle_intent

OPEN = (Status.REQUIRES_PAYMENT, Status.CANCELLING)


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
    """What the provider says is settled as if it had told us. One that should be gone is cancelled once more."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
    intent_id = payment.stripe_payment_intent_id
    if payment.status not in OPEN or intent_id is None:
        return
    provider = outside.client(Provider)
    with suppress(Unanswered):
        cancelling = payment.status is Status.CANCELLING
        intent = await (provider.cancel_intent(intent_id) if cancelling else provider.get_intent(intent_id))
        async with outside.begin() as session:
            await settle_intent(session, intent)
