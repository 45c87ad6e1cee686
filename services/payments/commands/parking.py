"""What does not add up is neither believed nor lost: a person must look."""

import structlog
from prometheus_client import Counter

from ..domain.payment import Payment
from ..domain.webhook import Outcome

log = structlog.get_logger()

ATTENTION = Counter("mdh_payments_attention_total", "Payments that a person must look at")


def park(payment: Payment, why: str) -> Outcome:
    if payment.call_attention(why):
        ATTENTION.inc()
        log.error("payment.needs_attention", payment_id=payment.id, booking_id=payment.booking_id, why=why)
    return Outcome.PARKED
