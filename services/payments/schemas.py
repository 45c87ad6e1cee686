"""What payments' API gives."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.auth import Actor
from shared.http import View

from .domain.payment import Payment, Status
from .domain.payout_account import AccountStatus


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
    client_secret: str | None = Field(description="shown to the customer only, while it can be paid")
    publishable_key: str | None = Field(default=None, description="shown to the customer only")
    created_at: datetime
    updated_at: datetime


class BalanceView(View):
    """What an affiliate is to be paid, in cents; below nothing, what it owes."""

    currency: str
    payable_cents: int


class BalancesView(View):
    items: list[BalanceView]


def view_of(payment: Payment, actor: Actor, publishable_key: str) -> PaymentView:
    """To each what they need: to the customer the means to pay while there is something to pay, to the others the
    commission. Support in a customer's name pays nothing, so it gets no means to."""
    view = PaymentView.model_validate(payment)
    if not payment.is_of(actor):
        return view.model_copy(update={"client_secret": None})
    secret = payment.client_secret if payment.status is Status.REQUIRES_PAYMENT else None
    means = {} if actor.impersonator else {"publishable_key": publishable_key, "client_secret": secret}
    return view.model_copy(update={"commission_cents": None, "client_secret": None} | means)


class PayoutAccountView(View):
    """Whether an affiliate can be paid: `pending` until its owner has sent the provider's form, `restricted` while
    more is asked for, by the names in `requirements`."""

    version: int
    affiliate_id: int
    status: AccountStatus
    payouts_enabled: bool
    requirements: list[str]
    created_at: datetime
    updated_at: datetime


class OnboardingLinkView(View):
    """Good once, and for some minutes: to be followed now and kept nowhere."""

    url: str


class WebhookView(View):
    """The event is stored; that is all the provider needs to know."""

    received: Literal[True] = True
