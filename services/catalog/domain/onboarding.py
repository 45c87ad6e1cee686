"""How an affiliate comes to be, stands and ends: the states of its application, and who leads from one to another."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Keyed, words
from shared.errors import Conflict, Forbidden, Refusal

from . import Base


class ApplicationStatus(StrEnum):
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Step(StrEnum):
    REVIEW = "review"
    REQUEST_CHANGES = "request_changes"
    RESUBMIT = "resubmit"
    APPROVE = "approve"
    REJECT = "reject"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    CLOSE = "close"


class Party(StrEnum):
    """`platform`: catalog itself, because of what it is told."""

    ADMIN = "admin"
    LEADERS = "leaders"  # owners and managers
    OWNER = "owner"
    PLATFORM = "platform"


class AlreadyDecided(Conflict):
    """This application has been decided already."""


class AlreadyInReview(Conflict):
    """Somebody looks at this application already."""


class WaitsForApplicant(Conflict):
    """This application is being mended: it can be decided when its owner has sent it again."""


class NothingToMend(Conflict):
    """Nobody has asked for changes of this application."""


class NotApproved(Conflict):
    """Only an approved affiliate can be suspended."""


class NotSuspended(Conflict):
    """This affiliate is not suspended."""


class AffiliateIsClosed(Conflict):
    """This affiliate is closed, for good."""


class NotYourStep(Forbidden):
    """Somebody else has to do this."""


class Transition(NamedTuple):
    leads_from: frozenset[ApplicationStatus]
    leads_to: ApplicationStatus
    by: frozenset[Party]


UNDECIDED = (ApplicationStatus.SUBMITTED, ApplicationStatus.IN_REVIEW, ApplicationStatus.CHANGES_REQUESTED)
FINAL = (ApplicationStatus.REJECTED, ApplicationStatus.CLOSED)


def _transition(from_: str, to: str, by: str) -> Transition:
    states = frozenset(ApplicationStatus(name) for name in from_.split())
    return Transition(states, ApplicationStatus(to), frozenset(Party(name) for name in by.split()))


TRANSITIONS = {
    Step.REVIEW: _transition("submitted", "in_review", "admin"),
    Step.REQUEST_CHANGES: _transition("submitted in_review", "changes_requested", "admin"),
    Step.RESUBMIT: _transition("changes_requested", "submitted", "leaders"),
    Step.APPROVE: _transition("submitted in_review", "approved", "admin"),
    Step.REJECT: _transition("submitted in_review changes_requested", "rejected", "admin platform"),
    Step.SUSPEND: _transition("approved", "suspended", "admin platform"),
    Step.REINSTATE: _transition("suspended", "approved", "admin platform"),
    Step.CLOSE: _transition("submitted in_review changes_requested approved suspended", "closed", "owner platform"),
}

# Why a step does not lead on from where the affiliate stands, if not for these: it was decided long ago.
OTHERWISE: dict[Step, type[Refusal]] = {
    Step.RESUBMIT: NothingToMend,
    Step.SUSPEND: NotApproved,
    Step.REINSTATE: NotSuspended,
}


def after(step: Step, status: ApplicationStatus, by: Party) -> ApplicationStatus:
    """Where the step leads to from here; a refusal if it does not."""
    transition = TRANSITIONS[step]
    if by not in transition.by:
        raise NotYourStep
    if status not in transition.leads_from:
        raise refusal_of(step, status)(application_status=status)
    return transition.leads_to


def refusal_of(step: Step, status: ApplicationStatus) -> type[Refusal]:
    if status is ApplicationStatus.CLOSED:
        return AffiliateIsClosed
    if step in OTHERWISE:
        return OTHERWISE[step]
    if status is ApplicationStatus.CHANGES_REQUESTED:
        return WaitsForApplicant
    return AlreadyInReview if status is ApplicationStatus.IN_REVIEW else AlreadyDecided


class AffiliateStep(Keyed, Base, kw_only=True):
    """One step that an affiliate took: never changed. `changed_by` is a user, None for the platform itself; an
    application comes from nowhere."""

    __tablename__ = "affiliate_steps"

    affiliate_id: Mapped[int] = mapped_column(ForeignKey("affiliates.id"))
    from_status: Mapped[ApplicationStatus | None] = mapped_column(words(ApplicationStatus))
    to_status: Mapped[ApplicationStatus] = mapped_column(words(ApplicationStatus))
    changed_by: Mapped[int | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now, server_default=func.now())
