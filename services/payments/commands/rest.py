"""What a saved card is charged for, or held on for, without its holder: the rest of a price once the job is done.

What the card does not give, the customer pays by hand: the intent is one like any other.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingCompleted
from shared.tasks import Outside

from ..clients import Provider
from ..domain.life import Purpose, Status
from ..domain.payment import NotYetCaptured, Payment
from ..domain.provider import Decline, SavedCard
from ..queries.payments import find_first, get_payment, insert_payment
from . import tasks
from .settlement import note_decline, settle_intent

NO_CARD = Decline("no card", "We have no card of yours to charge.")
NOT_CHARGED = Decline("not charged", "Your card could not be charged.")


async def want_rest(session: AsyncSession, done: BookingCompleted) -> Payment | None:
    """None if there is none, or if it is wanted already. Before the deposit is known: not now, but again later."""
    if done.deposit_cents is None:
        return None
    deposit = await find_first(session, done.booking_id)
    if deposit is None:
        raise NotYetCaptured(f"booking {done.booking_id} has no payment yet")
    if not deposit.rest_cents:
        return None
    return await insert_payment(
        session,
        done,
        purpose=Purpose.REST,
        cause=f"rest:{done.booking_id}",
        amount_cents=deposit.rest_cents,
        commission_cents=deposit.rest_commission_cents,
        tax_cents=deposit.rest_tax_cents,
    )


def is_charged_to_saved_card(payment: Payment) -> bool:
    """Its customer has agreed to that before: with the deposit, or when the card was saved."""
    return payment.is_promised or payment.purpose in (Purpose.REST, Purpose.FEE)


async def card_of(session: AsyncSession, payment: Payment) -> SavedCard | None:
    if payment.is_promised:
        return payment.saved_card
    first = await find_first(session, payment.booking_id) if is_charged_to_saved_card(payment) else None
    return first.saved_card if first else None


@tasks.call
async def charge_saved_card(outside: Outside, payment_id: int) -> None:
    """Once. Asked again after a crash, the provider answers the same key with what came of it; one that was declined is
    the customer's to pay."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id, lock=True)
        intent_id = payment.stripe_payment_intent_id
        if payment.status is not Status.REQUIRES_PAYMENT or payment.declined_attempt is not None or intent_id is None:
            return
        card = await card_of(session, payment)
        if card is None:
            note_decline(session, payment, NO_CARD)
            return
    intent = await outside.client(Provider).charge_card(payment, intent_id, card)
    async with outside.begin() as session:
        await settle_intent(session, intent)
        if not intent.is_final and not intent.is_held and intent.decline is None:
            note_decline(session, await get_payment(session, payment_id, lock=True), NOT_CHARGED)
