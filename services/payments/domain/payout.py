"""Money that leaves for an affiliate."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.auth import Actor
from shared.clock import now
from shared.db import Aggregate, Keyed, words
from shared.errors import Conflict, NotFound

from . import Base
from .earnings import Earning, total
from .intention import Intention
from .payout_account import PayoutAccount
from .provider import RefusedByProvider


class PayoutStatus(StrEnum):
    """`refused`: the provider did not take it, and a person must see to that. It stays the affiliate's money. So it is
    again once it is `reversed`, all of it taken back."""

    PENDING = "pending"
    PAID = "paid"
    REFUSED = "refused"
    REVERSED = "reversed"


UNDER_WAY = (PayoutStatus.PENDING, PayoutStatus.REFUSED)
ARRIVED = (PayoutStatus.PAID, PayoutStatus.REVERSED)


class NoSuchPayout(NotFound):
    """There is no such payout, or it is not yours to see."""


class NotRefused(Conflict):
    """Only a payout that our payment provider refused is tried again."""


class PayoutItem(Keyed, Base, kw_only=True):
    """What of a payment, as it was at `payment_version`, a payout has; below nothing: a debt that it set off."""

    __tablename__ = "payout_items"

    payout_id: Mapped[int] = mapped_column(ForeignKey("payouts.id"), init=False)
    payment_id: Mapped[int]
    payment_version: Mapped[int]
    amount_cents: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)


class Payout(Intention, Aggregate, Base, kw_only=True):
    """One transfer to an affiliate's account. Its items add up to it and never change; nor does the sum, whatever
    becomes of the payments meanwhile: that is the next payout's. `refusal` is the provider's word for why not."""

    __tablename__ = "payouts"
    operation = "payout"

    affiliate_id: Mapped[int]
    currency: Mapped[str]
    amount_cents: Mapped[int]
    stripe_account_id: Mapped[str]
    status: Mapped[PayoutStatus] = mapped_column(words(PayoutStatus), default=PayoutStatus.PENDING)
    refusal: Mapped[str | None] = mapped_column(default=None)
    stripe_transfer_id: Mapped[str | None] = mapped_column(default=None)
    paid_at: Mapped[datetime | None] = mapped_column(default=None)
    reversed_cents: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime] = mapped_column(default_factory=now)
    items: Mapped[list[PayoutItem]] = relationship(default_factory=list, lazy="raise", order_by=PayoutItem.id)

    @classmethod
    def to(cls, account: PayoutAccount, currency: str, earnings: Sequence[Earning]) -> Self:
        """Of all that is due, nothing left out."""
        assert account.stripe_account_id is not None
        items = [
            PayoutItem(payment_id=one.payment.id, payment_version=one.payment.version, amount_cents=one.due_cents)
            for one in earnings
            if one.due_cents
        ]
        return cls(
            affiliate_id=account.affiliate_id,
            currency=currency,
            amount_cents=total(earnings),
            stripe_account_id=account.stripe_account_id,
            items=items,
            **cls.intended(),
        )

    def may_be_seen_by(self, actor: Actor) -> bool:
        return actor.runs(self.affiliate_id) or actor.is_staff

    def arrive(self, stripe_transfer_id: str) -> None:
        """The provider has taken it."""
        self.status, self.stripe_transfer_id, self.paid_at = PayoutStatus.PAID, stripe_transfer_id, now()
        self.version += 1

    def come_back(self, cents: int) -> None:
        """So much of it is at the platform's account again."""
        self.reversed_cents += cents
        if self.reversed_cents == self.amount_cents:
            self.status = PayoutStatus.REVERSED
        self.version += 1

    def refuse(self, refusal: RefusedByProvider) -> None:
        self.status, self.refusal = PayoutStatus.REFUSED, refusal.code[:200]
        self.version += 1

    def retry(self, account: PayoutAccount) -> None:
        """Under a new key: the provider would answer the old one with its refusal."""
        if self.status is not PayoutStatus.REFUSED:
            raise NotRefused(status=self.status)
        account.must_be_payable()
        assert account.stripe_account_id is not None
        self.status, self.refusal, self.stripe_account_id = PayoutStatus.PENDING, None, account.stripe_account_id
        self.try_anew(now())
        self.version += 1
