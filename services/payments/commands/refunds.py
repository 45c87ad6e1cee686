"""Money back: decided under the payment's lock, sent outside of it, confirmed by the provider."""

from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingCancelled, BookingNoShow, BookingRefundDue
from shared.db import enforced_by
from shared.tasks import Outside

from ..clients import Provider
from ..domain.life import TAKEN
from ..domain.payment import REFUNDS_WITHIN_CAPTURED, InDispute, NotYetCaptured, OverRefund, Payment
from ..domain.provider import ProviderRefund, RefusedByProvider, Unanswered
from ..domain.refund import Refund
from ..domain.spreading import spread
from ..domain.webhook import Outcome
from ..queries.payments import get_payment, lock_payments_of
from ..queries.refunds import get_refund, has_refund_for
from . import ledger, tasks
from .asking import ask
from .parking import park
from .repayment import settle_refund, settle_unrefundable


async def refund_booking(session: AsyncSession, event: BookingCancelled | BookingNoShow | BookingRefundDue) -> None:
    """Once per fact of booking, of as many of its payments as it takes, newest first. Before we know of the money
    itself: not now, but again later."""
    if event.refund_cents == 0:
        return
    taken = [payment for payment in await lock_payments_of(session, event.booking_id) if payment.status in TAKEN]
    if not taken:
        raise NotYetCaptured(f"no payment of booking {event.booking_id} has been captured yet")
    cause = f"{event.aggregate}:{event.booking_id}:{event.version}"
    if await has_refund_for(session, cause):
        return
    try:
        parts = spread(event.refund_cents, taken[::-1])
    except InDispute as refusal:
        park(taken[-1], f"Booking {event.booking_id}: {event.refund_cents} should go back. {refusal.detail}")
        return
    for number, (payment, cents) in enumerate(parts):
        await refund(session, payment, cents, reason=event.type, cause=f"{cause}:{payment.id}" if number else cause)


async def refund(session: AsyncSession, payment: Payment, cents: int, *, reason: str, cause: str) -> None:
    """Of a locked payment; never more than was taken, which the row's own constraint also sees to."""
    payment.owe(cents)
    wanted = Refund(payment_id=payment.id, amount_cents=cents, reason=reason, cause=cause, **Refund.intended())
    session.add(wanted)
    with enforced_by(REFUNDS_WITHIN_CAPTURED, OverRefund):
        await session.flush()
    await ledger.post(session, payment)
    tasks.enqueue(session, send_refund, refund_id=wanted.id)


@tasks.call
async def send_refund(outside: Outside, refund_id: int) -> None:
    async with outside.begin() as session:
        wanted, payment = await get_refund(session, refund_id)
    if not wanted.is_open or payment.stripe_payment_intent_id is None:
        return
    provider, intent_id = outside.client(Provider), payment.stripe_payment_intent_id
    try:
        told = await ask(
            outside,
            wanted,
            call=lambda: provider.refund(wanted, intent_id),
            find=lambda: _find(provider, wanted, intent_id),
        )
    except RefusedByProvider as refusal:
        await _refused(outside, wanted, refusal)
        return
    async with outside.begin() as session:
        await settle_refund(session, told)


async def _find(provider: Provider, wanted: Refund, intent_id: str) -> ProviderRefund | None:
    return next((r for r in await provider.refunds_of(intent_id) if r.reference == wanted.reference), None)


async def _refused(outside: Outside, wanted: Refund, refusal: RefusedByProvider) -> None:
    async with outside.begin() as session:
        payment = await get_payment(session, wanted.payment_id, lock=True)
        current, _ = await get_refund(session, wanted.id)
        await settle_unrefundable(session, payment, current, f"The provider refuses a refund: {refusal}")


@tasks.call
async def check_refunds(outside: Outside, payment_id: int) -> None:
    """Ask the provider which refunds it has; what it says is settled as if it had told us. If it does not answer, the
    job asks again for as long as a refund is open."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
    if payment.stripe_payment_intent_id is None:
        return
    with suppress(Unanswered):
        for told in await outside.client(Provider).refunds_of(payment.stripe_payment_intent_id):
            async with outside.begin() as session:
                if await settle_refund(session, told) is Outcome.FOREIGN:
                    foreign = await get_payment(session, payment_id, lock=True)
                    park(foreign, f"The provider's refund {told.id} was not made by us.")
