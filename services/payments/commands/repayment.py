"""What follows from what the provider says of refunds: heard again, late or out of order the same."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.payments import PaymentRefunded
from shared.outbox import record

from ..domain.payment import Payment
from ..domain.provider import ProviderRefund
from ..domain.refund import Refund, RefundStatus
from ..domain.webhook import Outcome
from ..queries.refunds import lock_refund_behind
from . import ledger
from .parking import park

REFUND_ENDED_BADLY = ("failed", "canceled")


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
    return Outcome.DONE if refund.move(RefundStatus.SENT, told.id) else Outcome.KNOWN


async def _settle_repaid(session: AsyncSession, payment: Payment, refund: Refund, stripe_refund_id: str) -> Outcome:
    repaid = refund.move(RefundStatus.SUCCEEDED, stripe_refund_id)
    if repaid:
        payment.repay(refund.amount_cents)
        await ledger.post(session, payment)
        if not payment.surplus:
            record(session, PaymentRefunded.of(payment, refund_cents=refund.amount_cents))
    return Outcome.DONE if repaid else Outcome.KNOWN


async def settle_unrefundable(
    session: AsyncSession, payment: Payment, refund: Refund, why: str, stripe_refund_id: str | None = None
) -> Outcome:
    """Also after success: the provider may take that back. What then becomes of the money is a person's decision."""
    if refund.move(RefundStatus.FAILED, stripe_refund_id):
        payment.keep(refund.amount_cents)
        await ledger.post(session, payment)
    return park(payment, why)
