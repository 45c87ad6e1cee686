"""What follows from what the provider says of intents, however it reached us: by webhook, answer, or because we asked.

Hearing it again, late or out of order leads to the same state.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.payments import (
    AuthorisationFailed,
    CardSaved,
    IntentCreated,
    PaymentAuthorised,
    PaymentCaptured,
    PaymentFailed,
)
from shared.outbox import record

from ..domain.life import ON_HOLD, IntentKind, Purpose, Status
from ..domain.payment import Payment
from ..domain.provider import Decline, Intent, Setup
from ..domain.webhook import Outcome
from ..queries.payments import is_tipped, lock_payment_behind, lock_payment_once_behind, lock_payment_set_up
from . import ledger
from .kept_cards import drop_card, note_card
from .parking import park
from .refunds import refund


async def settle_intent(session: AsyncSession, intent: Intent) -> Outcome:
    payment = await lock_payment_behind(session, intent)
    if payment is None:
        return await _settle_former(session, intent)
    if payment.stripe_payment_intent_id is None:
        adopt(session, payment, payment.take_intent(intent))
    if payment.stripe_payment_intent_id != intent.id:
        return _settle_second_intent(payment, intent)
    if intent.status == "succeeded":
        return await _settle_success(session, payment, intent)
    if intent.is_held:
        return _settle_hold(session, payment, intent)
    if intent.status == "canceled":
        return _settle_end(session, payment)
    return _outcome(intent.decline is not None and note_decline(session, payment, intent.decline))


def adopt(session: AsyncSession, payment: Payment, payable: bool) -> bool:
    """It has the intent that the provider has made for us. Says whether its customer can agree to it now."""
    if payable:
        record(session, IntentCreated.of(payment))
    return payable


async def _settle_former(session: AsyncSession, intent: Intent) -> Outcome:
    """Late news of one that was let go."""
    payment = await lock_payment_once_behind(session, intent.id)
    if payment is None:
        return Outcome.FOREIGN
    return _settle_second_intent(payment, intent)


def _settle_hold(session: AsyncSession, payment: Payment, intent: Intent) -> Outcome:
    """Of a booking that is gone meanwhile it is let go by whoever calls it off."""
    if wrong := payment.status is Status.REQUIRES_PAYMENT and payment.mismatch(intent):
        return park(payment, wrong)
    held = payment.authorise(intent)
    if held:
        note_card(session, payment, intent.card)
        record(session, PaymentAuthorised.of(payment))
    return _outcome(held)


def _settle_end(session: AsyncSession, payment: Payment) -> Outcome:
    """What was held is not any more: the card is still saved. Whoever wants the money just now finds that out."""
    if payment.status in ON_HOLD:
        session.add(payment.let_go())
        return Outcome.DONE
    return _outcome(payment.status is not Status.CAPTURING and payment.close())


def note_decline(session: AsyncSession, payment: Payment, decline: Decline) -> bool:
    """Says whether it was news. Where the customer has agreed long ago, they are told once that they have to pay by
    hand, and so is the affiliate."""
    is_first = payment.declined_attempt is None
    declined = payment.decline(decline)
    if declined:
        fact = AuthorisationFailed if payment.is_promised and is_first else PaymentFailed
        record(session, fact.of(payment, reason=decline.reason))
    return declined


async def settle_setup(session: AsyncSession, setup: Setup) -> Outcome:
    payment = await lock_payment_set_up(session, setup)
    if payment is None:
        return Outcome.FOREIGN
    if payment.intent_kind is not IntentKind.SETUP:
        return Outcome.KNOWN
    if payment.stripe_setup_intent_id is None:
        adopt(session, payment, payment.take_setup(setup))
    if payment.stripe_setup_intent_id != setup.id:
        return Outcome.KNOWN
    if setup.card and payment.save_card(setup.card):
        note_card(session, payment, setup.card)
        record(session, CardSaved.of(payment))
        return Outcome.DONE
    if setup.is_final and payment.status is not Status.CARD_SAVED:
        drop_card(session, setup.card)
        return _outcome(payment.close())
    return _outcome(setup.decline is not None and note_decline(session, payment, setup.decline))


def _settle_second_intent(payment: Payment, intent: Intent) -> Outcome:
    """One that a spoilt key left behind, and nobody was given its secret; or one that was let go. Nobody can have paid
    it."""
    if intent.status != "succeeded":
        return Outcome.KNOWN
    return park(payment, f"A second intent, {intent.id}, took {intent.received_cents} {intent.currency}.")


async def _settle_success(session: AsyncSession, payment: Payment, intent: Intent) -> Outcome:
    if wrong := payment.mismatch(intent):
        return park(payment, wrong)
    captured = payment.capture(intent)
    if captured:
        note_card(session, payment, intent.card)
        if payment.purpose is Purpose.TIP and await is_tipped(session, payment):
            await _return_tip(session, payment)
        else:
            await ledger.post(session, payment)
            record(session, PaymentCaptured.of(payment))
    return _outcome(captured)


async def _return_tip(session: AsyncSession, payment: Payment) -> None:
    """Another one of its booking was paid before, in that very second. Nobody is told of money that does not stay."""
    payment.surplus = True
    await refund(session, payment, payment.refundable_cents, reason="tipped_again", cause=f"tip:{payment.id}")


def _outcome(news: bool) -> Outcome:
    return Outcome.DONE if news else Outcome.KNOWN
