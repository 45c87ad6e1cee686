"""What follows from what the provider says, however it reached us: by webhook, as an answer, or because we asked.

Hearing it again, late or out of order leads to the same state.
"""

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.payments import IntentCreated, PaymentCaptured, PaymentFailed, PaymentRefunded
from shared.outbox import record

from ..domain.payment import Payment
from ..domain.provider import Intent, ProviderRefund
from ..domain.refund import Refund, RefundStatus
from ..domain.webhook import Outcome
from ..queries.payments import lock_payment_behind
from ..queries.refunds import lock_refund_behind
from . import ledger

log = structlog.get_logger()

ATTENTION = Counter("mdh_payments_attention_total", "Payments that a person must look at")
REFUND_ENDED_BADLY = ("failed", "canceled")


async def settle_intent(session: AsyncSession, intent: Intent) -> Outcome:
    payment = await lock_payment_behind(session, intent)
    if payment is None:
        return Outcome.FOREIGN
    if payment.stripe_payment_intent_id is None:
        adopt(session, payment, intent)
    if payment.stripe_payment_intent_id != intent.id:
        return _settle_second_intent(payment, intent)
    if intent.status == "succeeded":
        return await _settle_success(session, payment, intent)
    if intent.status == "canceled":
        return _outcome(payment.close())
    if intent.decline and payment.decline(intent.decline):
        record(session, PaymentFailed.of(payment, reason=intent.decline.reason))
        return Outcome.DONE
    return Outcome.KNOWN


def adopt(session: AsyncSession, payment: Payment, intent: Intent) -> bool:
    """The intent that the provider has made for us. Says whether it can be paid."""
    payable = payment.take_intent(intent)
    if payable:
        record(session, IntentCreated.of(payment))
    return payable


def _settle_second_intent(payment: Payment, intent: Intent) -> Outcome:
    """One that a spoilt key left behind. Nobody was given its secret, so nobody can have paid it."""
    if intent.status != "succeeded":
        return Outcome.KNOWN
    return park(payment, f"A second intent, {intent.id}, took {intent.received_cents} {intent.currency}.")


async def _settle_success(session: AsyncSession, payment: Payment, intent: Intent) -> Outcome:
    if wrong := payment.mismatch(intent):
        return park(payment, wrong)
    captured = payment.capture(intent)
    if captured:
        await ledger.post(session, payment)
        record(session, PaymentCaptured.of(payment))
    return _outcome(captured)


async def settle_refund(session: AsyncSession, told: ProviderRefund) -> Outcome:
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
