"""What payments' API gives."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.auth import Actor
from shared.http import View

from .domain.payment import Payment, Status


class PaymentView(View):
    """A payment. `client_secret` and `publishable_key` are what the customer's client pays the provider with."""

    id: int
    version: int
    booking_id: int
    customer_id: int
    affiliate_id: int
    status: Status
    amount_cents: int
    refunded_cents: int
    currency: str
    commission_cents: int | None = Field(description="not shown to the customer")
    decline_reason: str | None = Field(description="why the last attempt to pay was declined")
    client_secret: str | None = Field(description="shown to the customer only")
    publishable_key: str | None = Field(default=None, description="shown to the customer only")
    created_at: datetime
    updated_at: datetime


def view_of(payment: Payment, actor: Actor, publishable_key: str) -> PaymentView:
    """To each what they need: the means to pay to the customer, the commission to the others."""
    mine = {"commission_cents": None, "publishable_key": publishable_key}
    others = {"client_secret": None}
    return PaymentView.model_validate(payment).model_copy(update=mine if payment.is_of(actor) else others)


class WebhookView(View):
    """The event is stored; that is all the provider needs to know."""

    received: Literal[True] = True
