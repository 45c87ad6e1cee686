"""Money that goes back."""

from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped, words

from . import Base
from .intention import Intention


class RefundStatus(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Refund(Intention, Keyed, Timestamped, Base, kw_only=True):
    """One refund, changed only under its payment's lock. `cause` is the fact that it answers: one fact, one refund."""

    __tablename__ = "refunds"
    operation = "refund"

    payment_id: Mapped[int]
    amount_cents: Mapped[int]
    reason: Mapped[str]
    cause: Mapped[str]
    status: Mapped[RefundStatus] = mapped_column(words(RefundStatus), default=RefundStatus.PENDING)
    stripe_refund_id: Mapped[str | None] = mapped_column(default=None)

    @property
    def is_open(self) -> bool:
        return self.status in (RefundStatus.PENDING, RefundStatus.SENT)

    def move(self, status: RefundStatus, stripe_refund_id: str | None) -> bool:
        """Nothing follows after success or failure; says whether it was news."""
        if not self.is_open or status is self.status:
            return False
        self.status, self.stripe_refund_id = status, stripe_refund_id or self.stripe_refund_id
        return True
