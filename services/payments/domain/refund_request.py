"""Money that staff want to send back: who asked, why, and who else has to agree."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor
from shared.clock import now
from shared.db import Aggregate, words
from shared.errors import Conflict, Forbidden, NotFound

from . import Base


class RequestStatus(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"


class NoSuchRefundRequest(NotFound):
    """There is no such request for a refund."""


class DecidedAlready(Conflict):
    """Somebody has decided about this refund."""


class SecondPersonNeeded(Forbidden):
    """Who asked for a refund does not decide about it: another administrator has to."""


class RefundRequest(Aggregate, Base, kw_only=True):
    """Changed only under its payment's lock. With `two_persons`, nothing goes back before somebody else agrees."""

    __tablename__ = "refund_requests"

    payment_id: Mapped[int]
    amount_cents: Mapped[int]
    reason: Mapped[str]
    two_persons: Mapped[bool]
    asked_by: Mapped[int]
    status: Mapped[RequestStatus] = mapped_column(words(RequestStatus), default=RequestStatus.WAITING)
    decided_by: Mapped[int | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def cause(self) -> str:
        """What the refund answers that comes of it: one request, one refund."""
        return f"refund_request:{self.id}"

    def pass_alone(self) -> None:
        """So little that it needs nobody else."""
        self.status, self.decided_at = RequestStatus.APPROVED, now()

    def decide(self, actor: Actor, status: RequestStatus) -> None:
        """By somebody else than who asked, once."""
        if actor.user_id == self.asked_by:
            raise SecondPersonNeeded
        if self.status is not RequestStatus.WAITING:
            raise DecidedAlready(status=self.status)
        self.status, self.decided_by, self.decided_at = status, actor.user_id, now()
        self.version += 1
