"""The provider's own books: one row for each movement on our account there, as it tells it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped

from . import Base

CHARGES = ("charge", "payment")
REFUNDS = ("refund", "payment_refund", "refund_failure", "payment_failure_refund")
TRANSFERS = ("transfer", "transfer_refund", "transfer_cancel", "transfer_failure")
# What the provider has for itself, beside the fees of other entries.
FEES = ("stripe_fee", "stripe_fx_fee", "tax_fee")
# Between the provider and the platform itself: no booking has a part in them.
OWN = (
    *FEES, "payout", "payout_cancel", "payout_failure", "topup", "topup_reversal", "reserve_transaction",
    "reserved_funds",
)  # fmt: skip
ADJUSTMENT = "adjustment"  # a dispute's money and its fee


class Entry(Keyed, Timestamped, Base, kw_only=True):
    """A balance transaction; what goes out is below nothing. `source_id` is the charge, refund, dispute or transfer
    that it is about, `intent_id` the payment intent of that, `reference` what we have written into its metadata."""

    __tablename__ = "provider_entries"

    stripe_id: Mapped[str]
    type: Mapped[str]
    source_id: Mapped[str | None]
    intent_id: Mapped[str | None]
    reference: Mapped[UUID | None]
    amount_cents: Mapped[int]
    fee_cents: Mapped[int]
    currency: Mapped[str]
    booked_at: Mapped[datetime]

    @property
    def sum(self) -> str:
        return f"{self.amount_cents} {self.currency}"

    @property
    def net_cents(self) -> int:
        """What it changes on our account there."""
        return self.amount_cents - self.fee_cents

    @property
    def cost_cents(self) -> int:
        """What the provider has kept for itself; below nothing, what it gave back of that. A dispute's fee stands in
        its payment's row, and is in the books from there."""
        if self.type == ADJUSTMENT:
            return 0
        return self.fee_cents - (self.amount_cents if self.type in FEES else 0)


class Reconciliation(Keyed, Timestamped, Base, kw_only=True):
    """One day, in UTC, of the provider's books. `suspects` are what had to be asked about, one by one."""

    __tablename__ = "reconciliations"

    day: Mapped[date]
    entries: Mapped[int] = mapped_column(default=0)
    suspects: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)
