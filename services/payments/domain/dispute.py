"""What a customer's bank takes back, or asks about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor
from shared.clock import now
from shared.db import Aggregate, words
from shared.errors import NotFound

from . import Base
from .provider import ProviderDispute


class DisputeStatus(StrEnum):
    """`inquiry`: the bank only asks, and takes nothing yet. `closed`: nothing came of it."""

    INQUIRY = "inquiry"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


UNANSWERED = (DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE)
UNDECIDED = (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)
ENDED = (DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.CLOSED)
# The provider's words; one that is new to us has not ended, as far as we know.
MEANS = {
    "warning_needs_response": DisputeStatus.INQUIRY,
    "warning_under_review": DisputeStatus.INQUIRY,
    "warning_closed": DisputeStatus.CLOSED,
    "prevented": DisputeStatus.CLOSED,
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "appeal_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}


ASKS = "needs_response"  # the end of each word of the provider's while it takes evidence
REMINDED_BEFORE = (timedelta(days=3), timedelta(days=1))


class NoSuchDispute(NotFound):
    """There is no such dispute, or it is not yours to see."""


class Dispute(Aggregate, Base, kw_only=True):
    """As the provider says last; changed only under its payment's lock. `withdrawn_cents` is what the bank has now,
    `evidence_due_by` is kept while it may be answered, and `reminders` counts those of that moment that were given."""

    __tablename__ = "disputes"

    stripe_dispute_id: Mapped[str]
    payment_id: Mapped[int]
    booking_id: Mapped[int]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    currency: Mapped[str]
    opened_at: Mapped[datetime]
    amount_cents: Mapped[int]
    reason: Mapped[str]
    status: Mapped[DisputeStatus] = mapped_column(words(DisputeStatus))
    evidence_due_by: Mapped[datetime | None]
    withdrawn_cents: Mapped[int]
    fee_cents: Mapped[int]
    reminders: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime] = mapped_column(default_factory=now)

    @classmethod
    def about(cls, payment: Any, told: ProviderDispute) -> Self:
        """The first that we know of it."""
        known = {name: getattr(payment, name) for name in ("booking_id", "customer_id", "affiliate_id", "currency")}
        ours = {"payment_id": payment.id, "stripe_dispute_id": told.id, "opened_at": told.opened_at}
        dispute = cls(**known, **ours, **_state(told))
        dispute.reminders = dispute._reminders_due(now())  # what says that it is opened is as fresh
        return dispute

    def may_be_seen_by(self, actor: Actor) -> bool:
        return actor.runs(self.affiliate_id) or actor.is_staff

    def become(self, told: ProviderDispute) -> bool:
        """What the provider says; says whether it was news."""
        state = _state(told)
        if all(getattr(self, name) == value for name, value in state.items()):
            return False
        has_moved = state["evidence_due_by"] != self.evidence_due_by
        for name, value in state.items():
            setattr(self, name, value)
        if has_moved:
            self.reminders = self._reminders_due(now())
        self.version += 1
        return True

    def remind(self, at: datetime) -> bool:
        """Whether it is time to say again that nobody has answered yet."""
        due = self._reminders_due(at)
        if due <= self.reminders or self.status not in UNANSWERED:
            return False
        self.reminders = due
        self.version += 1
        return True

    def _reminders_due(self, at: datetime) -> int:
        """None any more once it is too late."""
        if self.evidence_due_by is None or self.evidence_due_by <= at:
            return 0
        return sum(at >= self.evidence_due_by - before for before in REMINDED_BEFORE)

    @property
    def lost_cents(self) -> int:
        return self.withdrawn_cents if self.status is DisputeStatus.LOST else 0

    @property
    def withheld_cents(self) -> int:
        """What the bank has for now: also what was won and is not back yet."""
        return self.withdrawn_cents - self.lost_cents

    @property
    def disputed_cents(self) -> int:
        """What it may yet cost: before the money is withdrawn, what the bank wants."""
        wanted = self.amount_cents if self.status in UNDECIDED else 0
        return max(wanted, self.withheld_cents)


def _state(told: ProviderDispute) -> dict[str, Any]:
    return {
        "status": MEANS.get(told.status, DisputeStatus.UNDER_REVIEW),
        "amount_cents": told.amount_cents,
        "reason": told.reason,
        "evidence_due_by": told.evidence_due_by if told.status.endswith(ASKS) else None,
        "withdrawn_cents": told.withdrawn_cents,
        "fee_cents": told.fee_cents,
    }


@dataclass(frozen=True, slots=True)
class DisputedSums:
    """What all disputes of one payment come to."""

    disputed_cents: int
    withheld_cents: int
    lost_cents: int
    fee_cents: int

    @classmethod
    def of(cls, disputes: Iterable[Dispute]) -> Self:
        all_ = list(disputes)
        return cls(
            disputed_cents=sum(one.disputed_cents for one in all_),
            withheld_cents=sum(one.withheld_cents for one in all_),
            lost_cents=sum(one.lost_cents for one in all_),
            fee_cents=sum(one.fee_cents for one in all_),
        )
