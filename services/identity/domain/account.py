"""People: their account, what they are to the platform, and whom they work for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.auth import Actor, CustomersOnly, Role
from shared.clock import now
from shared.db import Aggregate, Keyed, Timestamped, words
from shared.errors import Conflict, Forbidden, NotFound, Unauthenticated

from . import Base

EMAIL_ONCE = "users_email_once"


class UserRole(StrEnum):
    """What an account was opened as. Whom somebody works for is told by `affiliate_users`, whatever this says."""

    CUSTOMER = "customer"
    AFFILIATE = "affiliate"
    ADMIN = "admin"
    SUPPORT = "support"


STAFF = frozenset({UserRole.ADMIN, UserRole.SUPPORT})


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class EmailTaken(Conflict):
    """There is an account with this e-mail address already."""


class WrongCredentials(Unauthenticated):
    """The e-mail address or the password is wrong, or the address is not verified yet: our mail has the link for it."""


class WrongPassword(Forbidden):
    """This is not the password of your account. If it has none yet, a password reset gives it one."""


class AccountSuspended(Forbidden):
    """This account is suspended. Our support can tell why."""


class NoSuchUser(NotFound):
    """There is no such user."""


class User(Aggregate, Base, kw_only=True):
    """A person with an account. `locale` is BCP 47, `timezone` IANA; closed accounts have `deleted_at`."""

    __tablename__ = "users"

    email: Mapped[str]
    password_hash: Mapped[str] = mapped_column(init=False, default="", repr=False)
    role: Mapped[UserRole] = mapped_column(words(UserRole))
    full_name: Mapped[str]
    locale: Mapped[str]
    timezone: Mapped[str]
    status: Mapped[UserStatus] = mapped_column(words(UserStatus), default=UserStatus.ACTIVE)
    email_verified_at: Mapped[datetime | None] = mapped_column(default_factory=now)
    deleted_at: Mapped[datetime | None] = mapped_column(default=None)
    suspended_at: Mapped[datetime | None] = mapped_column(default=None)
    second_factor_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    suspension_reason: Mapped[str | None] = mapped_column(default=None, repr=False)

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    @property
    def has_password(self) -> bool:
        """Not, if the account was opened by signing in elsewhere, until a password reset gives it one."""
        return bool(self.password_hash)

    def switch_second_factor(self, on: datetime | None) -> None:
        """From `on` on, a sign-in needs a code besides; None: no longer."""
        self.second_factor_at = on
        self.version += 1

    @property
    def is_verified(self) -> bool:
        """Nobody signs in to an account before somebody who reads its address has said that it is theirs."""
        return self.email_verified_at is not None

    def take_password(self, password_hash: str) -> None:
        self.password_hash = password_hash
        self.version += 1

    def register_again(self, told: dict[str, Any], password_hash: str, at: datetime) -> None:
        """Of an account that nobody has verified: it is of the one who asked last, and waits from now on."""
        for name, value in told.items():
            setattr(self, name, value)
        self.password_hash, self.created_at = password_hash, at

    def move_to(self, email: str, at: datetime) -> None:
        """To an address that they have shown to read."""
        self.email, self.email_verified_at = email, at
        self.version += 1

    def verify(self, at: datetime) -> None:
        """Of what was before, nobody has heard: the version stays the first."""
        self.email_verified_at = at

    def must_be_active(self) -> None:
        if self.status is UserStatus.SUSPENDED:
            raise AccountSuspended


class Customer(Keyed, Timestamped, Base, kw_only=True):
    """The customer side of an account. Its id is what other services know a customer by; `phone` is E.164."""

    __tablename__ = "customers"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    phone: Mapped[str | None] = mapped_column(default=None)
    deleted_at: Mapped[datetime | None] = mapped_column(default=None)


class AffiliateUser(Aggregate, Base, kw_only=True):
    """A user's place in an affiliate's team: owner, manager or technician.

    It is kept when they are gone, so that its versions go on counting when they come back.
    """

    __tablename__ = "affiliate_users"

    affiliate_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role] = mapped_column(words(Role))
    joined_at: Mapped[datetime] = mapped_column(default_factory=now)
    removed_at: Mapped[datetime | None] = mapped_column(default=None)
    user: Mapped[User] = relationship(init=False, repr=False, lazy="raise")

    def take_role(self, role: Role) -> None:
        self.role = role
        self.version += 1

    def leave(self, at: datetime) -> None:
        self.removed_at = at
        self.version += 1

    def come_back(self, role: Role, at: datetime) -> None:
        self.role, self.joined_at, self.removed_at = role, at, None
        self.version += 1


@dataclass(frozen=True)
class Account:
    """A user with all that a token says and `/me` shows. `team_roles` maps affiliate ids to roles."""

    user: User
    customer: Customer | None
    team_roles: dict[int, Role]

    @property
    def customer_id(self) -> int | None:
        return self.customer.id if self.customer else None

    @property
    def of_customer(self) -> dict[str, Any]:
        """What events tell of a person besides the user."""
        return {"customer_id": self.customer_id, "phone": self.customer.phone if self.customer else None}

    @property
    def actor(self) -> Actor:
        """Who this user is to every service: customer if there is a customer, staff if the account is one of staff."""
        roles = {Role.CUSTOMER} if self.customer else set()
        if self.user.is_staff:
            roles.add(Role(self.user.role))
        return Actor(
            user_id=self.user.id,
            roles=frozenset(roles),
            customer_id=self.customer_id,
            affiliates=self.team_roles,
        )

    def close(self, at: datetime) -> None:
        """Nobody signs in any more; what it was stays until it is erased."""
        self.user.deleted_at = at
        if self.customer:
            self.customer.deleted_at = at
        self.user.version += 1

    def change(self, wanted: dict[str, Any]) -> bool:
        """Set name, locale, time zone or phone to what is wanted; says whether anything is another now."""
        if "phone" in wanted and self.customer is None:
            raise CustomersOnly
        changed = False
        for name, value in wanted.items():
            owner = self.customer if name == "phone" else self.user
            changed = changed or getattr(owner, name) != value
            setattr(owner, name, value)
        if changed:
            self.user.version += 1
        return changed
