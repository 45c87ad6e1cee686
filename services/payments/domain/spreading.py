"""A refund over several payments."""

from collections.abc import Sequence

from .payment import InDispute, OverRefund, Payment


def spread(cents: int, payments: Sequence[Payment]) -> list[tuple[Payment, int]]:
    """What goes back of each, in their order, never more than is left of it; all of it, or a refusal."""
    left = sum(payment.captured_cents - payment.refunds_due_cents for payment in payments)
    if cents > left:
        raise OverRefund(captured_cents=sum(payment.captured_cents for payment in payments), left_cents=left)
    parts = []
    for payment in payments:
        part = min(cents, payment.refundable_cents)
        if part:
            parts.append((payment, part))
        cents -= part
    if cents:
        raise InDispute(missing_cents=cents)
    return parts
