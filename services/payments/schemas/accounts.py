"""Affiliates' accounts at the provider."""

from datetime import datetime

from pydantic import Field

from shared.http import View

from ..domain.payout_account import AccountStatus


class PayoutAccountView(View):
    """Whether an affiliate can be paid: `pending` until its owner has sent the provider's form, `restricted` while
    more is asked for, by the names in `requirements`."""

    version: int
    affiliate_id: int
    status: AccountStatus
    payouts_enabled: bool
    requirements: list[str]
    payouts_held: bool
    held_because: str | None = Field(description="why nothing is paid out at present: the affiliate was suspended")
    created_at: datetime
    updated_at: datetime


class OnboardingLinkView(View):
    """Good once, and for some minutes: to be followed now and kept nowhere."""

    url: str
