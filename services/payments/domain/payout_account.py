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
SUSPENDED, CLOSED = "suspended", "closed"  # catalog's words
UNSAID = "The affiliate is suspended."  # by an event that gives no reason


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


class NotWhileHeld(Conflict):
    """Payouts of this affiliate are held, because it was suspended."""


class PayoutsNotHeld(Conflict):
    """Payouts of this affiliate are not held."""


class NoOnboarding(Conflict):
    """Our payment provider gives no link for this account."""


class PayoutAccount(Intention, Aggregate, Base, kw_only=True):
    """One per affiliate. `requirements` are the provider's names of what it still wants to know; `owner_user_id` is
    the affiliate's, of its version `affiliate_version`; `payouts_checked_at` is when it was last looked
    whether something is to be paid out. `affiliate_status` is catalog's word for how it stands; while there is a
    `held_because`, nothing is sent to it."""

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
    payouts_checked_at: Mapped[datetime] = mapped_column(default_factory=now)
    affiliate_status: Mapped[str | None] = mapped_column(default=None)
    held_because: Mapped[str | None] = mapped_column(default=None)

    @property
    def payouts_held(self) -> bool:
        return self.held_because is not None

    @property
    def is_closed(self) -> bool:
        """Nothing more will come, so nothing more is waited for."""
        return self.affiliate_status == CLOSED

    def must_be_payable(self) -> None:
        if self.status is not AccountStatus.COMPLETE or not self.payouts_enabled or self.stripe_account_id is None:
            raise AccountIncomplete(status=self.status)
        if self.payouts_held:
            raise NotWhileHeld

    def stand(self, affiliate_status: str, suspended_because: str | None) -> bool:
        """How its affiliate stands by the newest event, which gives a reason if it is what suspends it; says whether
        payouts are held now and were not, or the other way round. Who closes while they are held has them held on;
        what was released stays so until the next suspension."""
        held = self.payouts_held
        if affiliate_status == SUSPENDED:
            if suspended_because is not None or self.affiliate_status != SUSPENDED:
                self.held_because = suspended_because or UNSAID
        elif affiliate_status != CLOSED:
            self.held_because = None
        self.affiliate_status = affiliate_status
        return self._noted(held != self.payouts_held)

    def release(self) -> None:
        """By a person, who has seen to it."""
        if not self.payouts_held:
            raise PayoutsNotHeld
        self.held_because = None
        self._noted(True)

    def _noted(self, news: bool) -> bool:
        if news:
            self.version += 1
        return news

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
