"""What the platform's staff may do to accounts: suspend, reinstate, give and take the roles of staff."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor, AdminsOnly
from shared.db import Aggregate
from shared.errors import Conflict, Forbidden

from . import Base
from .account import Account, User, UserRole, UserStatus


class NotToOneself(Forbidden):
    """Nobody does this to their own account: ask another administrator."""


class SuspendedAlready(Conflict):
    """This account is suspended already."""


class NotSuspended(Conflict):
    """This account is not suspended."""


class LastAdministrator(Conflict):
    """This is the last administrator who can sign in. Make another one first."""


class Lookup(Aggregate, Base, kw_only=True):
    """Somebody of the staff read what is known of a user. A fact of its own: reading changes nobody's version."""

    __tablename__ = "lookups"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


def suspend(user: User, by: Actor, reason: str, at: datetime, administrators: list[int]) -> None:
    must_be_in_charge(by, user)
    if user.status is UserStatus.SUSPENDED:
        raise SuspendedAlready
    must_leave_an_administrator(user, administrators)
    user.status, user.suspended_at, user.suspension_reason = UserStatus.SUSPENDED, at, reason
    user.version += 1


def reinstate(user: User, by: Actor) -> None:
    must_be_in_charge(by, user)
    if user.status is not UserStatus.SUSPENDED:
        raise NotSuspended
    user.status, user.suspended_at, user.suspension_reason = UserStatus.ACTIVE, None, None
    user.version += 1


def give_role(account: Account, by: Actor, staff: UserRole | None, administrators: list[int]) -> bool:
    """Make it one of the staff, or (None) what it is without that; says whether this was news."""
    user = account.user
    must_be_in_charge(by, user)
    role = staff or (user.role if not user.is_staff else UserRole.CUSTOMER if account.customer else UserRole.AFFILIATE)
    if role is user.role:
        return False
    must_leave_an_administrator(user, administrators)
    user.role = role
    user.version += 1
    return True


def must_be_in_charge(by: Actor, user: User) -> None:
    """Of staff only administrators are, of themselves nobody."""
    if by.user_id == user.id:
        raise NotToOneself
    if user.is_staff and not by.is_admin:
        raise AdminsOnly


def must_leave_an_administrator(user: User, administrators: list[int]) -> None:
    """`administrators` are those who can sign in."""
    if user.id in administrators and len(administrators) == 1:
        raise LastAdministrator
