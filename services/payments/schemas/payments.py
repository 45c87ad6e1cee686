"""What was paid."""

from datetime import datetime

from pydantic import Field

from shared.auth import Actor
from shared.http import View

from ..domain.life import IntentKind, Purpose, Status
from ..domain.payment import Payment


class PaymentView(View):
    """A payment. `purpose` booking confirms a booking; rest and extra are paid of its price later; a fee is instead of
    it, and a tip is none of it. `intent_kind` says what its customer agrees to: charge takes the money at once, hold
    keeps it on the card until the job is done, setup saves the card for that.
    `client_secret` and `publishable_key` are what the customer's client pays the provider with."""

    id: int
    version: int
    booking_id: int
    customer_id: int
    affiliate_id: int
    purpose: Purpose
    status: Status
    intent_kind: IntentKind
    amount_cents: int
    refunded_cents: int
    currency: str
    refundable_cents: int | None = Field(description="what may still go back; not shown to the customer")
    commission_cents: int | None = Field(description="not shown to the customer")
    decline_reason: str | None = Field(description="why the last attempt to pay was declined")
    client_secret: str | None = Field(description="shown to the customer only, while it can be paid")
    publishable_key: str | None = Field(default=None, description="shown to the customer only")
    created_at: datetime
    updated_at: datetime


class PaymentsView(View):
    items: list[PaymentView]


def view_of(payment: Payment, actor: Actor, publishable_key: str) -> PaymentView:
    """To each what they need: to the customer the means to pay while there is something to pay, to the others the
    commission. Support in a customer's name pays nothing, so it gets no means to."""
    view = PaymentView.model_validate(payment)
    if not payment.is_of(actor):
        return view.model_copy(update={"client_secret": None})
    secret = payment.client_secret if payment.status is Status.REQUIRES_PAYMENT else None
    means = {} if actor.impersonator else {"publishable_key": publishable_key, "client_secret": secret}
    return view.model_copy(update={"commission_cents": None, "refundable_cents": None, "client_secret": None} | means)
