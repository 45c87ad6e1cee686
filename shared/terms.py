"""The platform's terms, as its configuration states them: what it takes, and what cancelling costs.

Rates are basis points of 1/100 %, money is whole cents.
"""

from collections.abc import Sequence
from enum import StrEnum

from shared.money import share
from shared.pricing import Part


class CommissionRate(Part):
    """The rate for services of a category, for affiliates of a tier, or for both; None is any."""

    category: str | None = None
    affiliate_tier: str | None = None
    commission_bp: int


class CancellationPolicy(Part):
    """A template that an affiliate may choose: free until so many hours before; after that a customer pays a share of
    the price, or an amount where one is named, and another share for not being there. An affiliate pays nothing."""

    name: str
    free_cancellation_hours: int
    late_cancellation_fee_bp: int
    late_cancellation_fee_cents: int | None = None
    no_show_fee_bp: int = 10_000

    def late_fee_cents(self, price_cents: int) -> int:
        """Never more than the price."""
        if self.late_cancellation_fee_cents is not None:
            return min(self.late_cancellation_fee_cents, price_cents)
        return share(price_cents, self.late_cancellation_fee_bp)


class Deposit(Part):
    """What is paid at once where an affiliate takes deposits: a share of the price, of at least `minimum_cents`."""

    deposit_bp: int
    minimum_cents: int = 0

    def of(self, price_cents: int) -> int:
        return min(max(share(price_cents, self.deposit_bp), self.minimum_cents), price_cents)


class PaymentMode(StrEnum):
    """How a booking is paid: all of it with the platform before it is confirmed, a part before and the rest when it is
    done, held on a card before and taken when it is done, or all of it with the affiliate at the door."""

    FULL = "full"
    DEPOSIT = "deposit"
    AUTHORISE = "authorise"
    ON_SITE = "on_site"


def chosen_mode(offered: Sequence[str], name: str | None) -> PaymentMode:
    """The one that an affiliate has chosen; the platform's first if it chose none, or one that is no longer offered.
    Those of a later release are passed over."""
    known = [PaymentMode(mode) for mode in offered if mode in set(PaymentMode)]
    return next((mode for mode in known if mode == name), known[0] if known else PaymentMode.FULL)


def chosen_policy(
    usual: CancellationPolicy, offered: Sequence[CancellationPolicy], name: str | None
) -> CancellationPolicy:
    """The one that an affiliate has chosen; the usual one if it chose none, or one that is no longer offered."""
    return next((policy for policy in offered if policy.name == name), usual)


def commission_bp(usual: int, rates: Sequence[CommissionRate], category: str, affiliate_tier: str) -> int:
    """The rate that says most: of both, else of the category, else of the affiliate's tier, else the usual one."""
    by = {(rate.category, rate.affiliate_tier): rate.commission_bp for rate in rates}
    for asked in ((category, affiliate_tier), (category, None), (None, affiliate_tier)):
        if asked in by:
            return by[asked]
    return usual
