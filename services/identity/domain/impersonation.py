"""Support acts for a user: for minutes, with a reason, in plain view (docs/decisions/0016)."""

from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor, StaffOnly
from shared.db import Aggregate
from shared.errors import Conflict, NotFound
from shared.ids import new_id

from . import Base
from .account import Account, UserStatus


class NotToBeImpersonated(Conflict):
    """Nobody acts for the platform's staff, or for an account that is suspended."""


class NoSuchImpersonation(NotFound):
    """There is no such impersonation, or it is not yours to see."""


class Impersonation(Aggregate, Base, kw_only=True):
    """`session` is what its tokens name, so that they can be ended without those of the user or of the staff."""

    __tablename__ = "impersonations"

    staff_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    session: Mapped[UUID] = mapped_column(default_factory=new_id)
    reason: Mapped[str] = mapped_column(repr=False)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)

    @classmethod
    def begin(cls, staff: Account, account: Account, reason: str, minutes: int, at: datetime) -> Self:
        """Both as they are now: what a token says of them may be a quarter of an hour old."""
        staff.user.must_be_active()
        if not staff.user.is_staff:
            raise StaffOnly
        if account.user.is_staff or account.user.status is not UserStatus.ACTIVE:
            raise NotToBeImpersonated
        end = at + timedelta(minutes=minutes)
        return cls(staff_id=staff.user.id, user_id=account.user.id, reason=reason, expires_at=end)

    def may_be_seen_by(self, staff: Actor) -> bool:
        return staff.is_admin or staff.user_id == self.staff_id

    def end(self, at: datetime) -> bool:
        """Says whether there was anything left to end."""
        if self.ended_at or at >= self.expires_at:
            return False
        self.ended_at = at
        self.version += 1
        return True
