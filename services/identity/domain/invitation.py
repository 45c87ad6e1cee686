"""Invitations into a team: a secret goes to an address by mail; whoever has that address and the secret joins."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Role
from shared.db import Aggregate, words
from shared.errors import Conflict, Forbidden, NotFound

from . import Base
from .account import AffiliateUser, User
from .session import digest, new_secret
from .team import may_decide

GOOD_FOR = timedelta(days=7)
ONE_OPEN = "invitations_one_open"


class AlreadyInvited(Conflict):
    """This address has an open invitation into this team. Withdraw it to send another."""


class NoSuchInvitation(NotFound):
    """There is no such invitation, or it is no longer open."""


class InvitedAtAnotherAddress(Forbidden):
    """This invitation was sent to another address. Sign in with the account of that address."""


class InvitationStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Invitation(Aggregate, Base, kw_only=True):
    """One address, one team, one role. The secret is in the mail only; here is its SHA-256."""

    __tablename__ = "invitations"

    affiliate_id: Mapped[int]
    email: Mapped[str]
    role: Mapped[Role] = mapped_column(words(Role))
    invited_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    status: Mapped[InvitationStatus] = mapped_column(words(InvitationStatus), default=InvitationStatus.OPEN)
    secret_hash: Mapped[bytes] = mapped_column(repr=False)
    expires_at: Mapped[datetime]

    @classmethod
    def into(cls, by: AffiliateUser, email: str, role: Role, at: datetime) -> "tuple[Invitation, str]":
        """The invitation, and its secret for the mail."""
        secret = new_secret()
        invitation = cls(
            affiliate_id=by.affiliate_id,
            email=email,
            role=role,
            invited_by=by.user_id,
            secret_hash=digest(secret),
            expires_at=at + GOOD_FOR,
        )
        return invitation, secret

    def status_at(self, at: datetime) -> InvitationStatus:
        """Whether it has expired is seen by its time: nobody writes it down before it is in the way."""
        expired = self.status is InvitationStatus.OPEN and at >= self.expires_at
        return InvitationStatus.EXPIRED if expired else self.status

    def accept(self, user: User, at: datetime) -> None:
        """By the person of that address, while it is open."""
        self._must_be_open(at)
        if user.email.lower() != self.email.lower():
            raise InvitedAtAnotherAddress
        self._become(InvitationStatus.ACCEPTED)

    def withdraw(self, at: datetime) -> None:
        self._must_be_open(at)
        self._become(InvitationStatus.WITHDRAWN)

    def make_way(self, at: datetime) -> None:
        """For another to the same address: an expired one is in nobody's way, an open one is."""
        if self.status_at(at) is InvitationStatus.OPEN:
            raise AlreadyInvited
        self._become(InvitationStatus.EXPIRED)

    def end_with(self, by: AffiliateUser) -> None:
        """Withdrawn, if whoever sent it could no longer send it."""
        if by.removed_at or not may_decide(by.role, self.role):
            self._become(InvitationStatus.WITHDRAWN)

    def _must_be_open(self, at: datetime) -> None:
        if self.status_at(at) is not InvitationStatus.OPEN:
            raise NoSuchInvitation

    def _become(self, status: InvitationStatus) -> None:
        self.status = status
        self.version += 1
