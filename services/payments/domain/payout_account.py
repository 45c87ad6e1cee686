"""Where an affiliate's money goes: its account at the provider, as far as we must know it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor, Role
from shared.clock import now
from shared.db import Aggregate, words
from shared.errors import Busy, Conflict, Forbidden, NotFound, Overloaded

from . import Base
from .intention import Intention
from .provider import ProviderAccount

SHOWN = 20  # of what is asked for; the provider's page has all of it


class AccountStatus(StrEnum):
    """`pending`: its owner has not sent the provider's form; `restricted`: more is asked for; `complete`: paid."""

    PENDING = "pending"
    RESTRICTED = "restricted"
    COMPLETE = "complete"


class NoSuchAccount(NotFound):
    """There is no such payout account, or it is not yours to see."""


class OwnersOnly(Forbidden):
    """Only the affiliate's owner says where its money goes."""


class AccountNotReady(Busy):
    """The payout account is being set up with our payment provider. Try again in a moment."""


class ProviderSilent(Overloaded):
    """Our payment provider does not answer at present. Try again in a moment."""


class AccountIncomplete(Conflict):
    """Our payment provider still needs something of this affiliate, so nothing can be paid out to it."""


class NoOnboarding(Conflict):
    """Our payment provider gives no link for this account."""


class PayoutAccount(Intention, Aggregate, Base, kw_only=True):
    """One per affiliate. `requirements` are the provider's names of what it still wants to know; `owner_user_id` and
    `name` are the affiliate's, of its version `affiliate_version`; `payouts_checked_at` is when it was last looked
    whether something is to be paid out."""

    __tablename__ = "payout_accounts"
    operation = "account"

    affiliate_id: Mapped[int]
    owner_user_id: Mapped[int]
    affiliate_version: Mapped[int]
    status: Mapped[AccountStatus] = mapped_column(words(AccountStatus), default=AccountStatus.PENDING)
    payouts_enabled: Mapped[bool] = mapped_column(default=False)
    requirements: Mapped[list[str]] = mapped_column(default_factory=list)
    stripe_account_id: Mapped[str | None] = mapped_column(default=None)
    checked_at: Mapped[datetime] = mapped_column(default_factory=now)
    name: Mapped[str | None] = mapped_column(default=None)
    payouts_checked_at: Mapped[datetime] = mapped_column(default_factory=now)

    @property
    def can_be_paid(self) -> bool:
        return self.status is AccountStatus.COMPLETE and self.payouts_enabled

    def may_be_seen_by(self, actor: Actor) -> bool:
        return actor.user_id == self.owner_user_id or actor.runs(self.affiliate_id) or actor.is_staff

    def must_belong_to(self, actor: Actor) -> None:
        """Its owner from the application on, before a token says so."""
        if not (actor.user_id == self.owner_user_id or actor.works_for(self.affiliate_id, Role.OWNER)):
            raise OwnersOnly

    def become(self, told: ProviderAccount) -> bool:
        """What the provider says; says whether it was news."""
        state = _status_of(told), told.payouts_enabled, list(told.requirements[:SHOWN]), told.id
        if state == (self.status, self.payouts_enabled, self.requirements, self.stripe_account_id):
            return False
        self.status, self.payouts_enabled, self.requirements, self.stripe_account_id = state
        self.version += 1
        return True


def _status_of(told: ProviderAccount) -> AccountStatus:
    if not told.details_submitted:
        return AccountStatus.PENDING
    return AccountStatus.COMPLETE if told.payouts_enabled and not told.requirements else AccountStatus.RESTRICTED
