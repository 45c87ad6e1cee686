"""Money on top of what confirmed a booking, so that each payment counts once."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now

from . import Base


class CountedPayment(Base, kw_only=True):
    """It stands in its booking's `paid_cents`."""

    __tablename__ = "counted_payments"

    payment_id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int]
    amount_cents: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)
