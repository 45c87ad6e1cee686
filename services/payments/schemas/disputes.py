"""What customers' banks take back, or ask about."""

from datetime import datetime

from pydantic import Field

from shared.http import View

from ..domain.dispute import DisputeStatus


class DisputeView(View):
    """Evidence is handed in on the provider's own pages, by `stripe_dispute_id`, until `evidence_due_by`."""

    id: int
    version: int
    stripe_dispute_id: str
    payment_id: int
    booking_id: int
    affiliate_id: int
    status: DisputeStatus
    reason: str = Field(description="as the bank gives it")
    amount_cents: int
    withdrawn_cents: int = Field(description="what the bank has of it now")
    currency: str
    evidence_due_by: datetime | None
    opened_at: datetime
    created_at: datetime
    updated_at: datetime
