"""What affiliates were paid."""

from datetime import datetime

from pydantic import Field

from shared.http import View

from ..domain.payout import PayoutStatus


class PayoutView(View):
    """One transfer to the affiliate's account at the payment provider, which hands it on to its bank."""

    id: int
    version: int
    affiliate_id: int
    status: PayoutStatus
    amount_cents: int
    currency: str
    refusal: str | None = Field(description="the provider's word for why it did not take it")
    stripe_transfer_id: str | None
    paid_at: datetime | None
    reversed_cents: int = Field(description="what was taken back of it since")
    created_at: datetime
    updated_at: datetime


class PayoutItemView(View):
    payment_id: int
    amount_cents: int = Field(description="below nothing: a debt that was set off")


class WholePayoutView(PayoutView):
    """With what it is made of: the items add up to it."""

    items: list[PayoutItemView]
