"""What follows from what the provider says, however it reached us: by webhook, as an answer, or because we asked.

Hearing it again, late or out of order leads to the same state.
"""

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.payments import (
    AuthorisationFailed,
    CardSaved,
    IntentCreated,
    PaymentAuthorised,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
)
from shared.outbox import record

from ..domain.life import ON_HOLD, IntentKind, Status
from ..domain.payment import Payment
from ..domain.provider import Decline, Intent, ProviderRefund, Setup
from ..domain.refund import Refund, RefundStatus
from ..domain.webhook import Outcome
from ..queries.payments import lock_payment_behind, lock_payment_once_behind, lock_payment_set_up
from ..queries.refunds import lock_refund_behind
from . import ledger
from .kept_cards import drop_card, note_card

log = structlog.get_logger()

ATTENTION = Counter("mdh_payments_attention_total", "Payments that a person must look at")
REFUND_ENDED_BADLY = ("failed", "canceled")


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
        await ledger.post(session, payment)
        record(session, PaymentCaptured.of(payment))
    return _outcome(captured)


async def settle_refund(session: AsyncSession, told: ProviderRefund) -> Outcome:
    if not told.moves_money and told.reference is None:
        return Outcome.IGNORED
    both = await lock_refund_behind(session, told)
    if both is None:
        return Outcome.FOREIGN
    payment, refund = both
    if told.amount_cents != refund.amount_cents:
        return park(payment, f"The provider's refund {told.id} is {told.amount_cents}, not {refund.amount_cents}.")
    if told.status == "succeeded":
        return await _settle_repaid(session, payment, refund, told.id)
    if told.status in REFUND_ENDED_BADLY:
        why = f"The provider's refund {told.id} ended as {told.status}."
        return await settle_unrefundable(session, payment, refund, why, told.id)
    return _outcome(refund.move(RefundStatus.SENT, told.id))


async def _settle_repaid(session: AsyncSession, payment: Payment, refund: Refund, stripe_refund_id: str) -> Outcome:
    repaid = refund.move(RefundStatus.SUCCEEDED, stripe_refund_id)
    if repaid:
        payment.repay(refund.amount_cents)
        await ledger.post(session, payment)
        record(session, PaymentRefunded.of(payment, refund_cents=refund.amount_cents))
    return _outcome(repaid)


async def settle_unrefundable(
    session: AsyncSession, payment: Payment, refund: Refund, why: str, stripe_refund_id: str | None = None
) -> Outcome:
    """Also after success: the provider may take that back. What then becomes of the money is a person's decision."""
    if refund.move(RefundStatus.FAILED, stripe_refund_id):
        payment.keep(refund.amount_cents)
        await ledger.post(session, payment)
    return park(payment, why)


def park(payment: Payment, why: str) -> Outcome:
    """Neither believed nor lost: a person must look."""
    if payment.call_attention(why):
        ATTENTION.inc()
        log.error("payment.needs_attention", payment_id=payment.id, booking_id=payment.booking_id, why=why)
    return Outcome.PARKED


def _outcome(news: bool) -> Outcome:
    return Outcome.DONE if news else Outcome.KNOWN
