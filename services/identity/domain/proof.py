"""Proofs that somebody reads an address: a secret goes there by mail, and comes back.

A secret is 256 bits that only the mail has; here is its SHA-256. A person has one proof of each purpose: asking again
makes a new secret and so ends the old one, using it ends it too.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate, words
from shared.errors import Forbidden, Unprocessable

from . import Base
from .session import digest, new_secret


class Purpose(StrEnum):
    """What is done when the secret comes back. With `known_address` none goes out: its owner is only told."""

    REGISTRATION = "registration"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - no password
    EMAIL_CHANGE = "email_change"
    KNOWN_ADDRESS = "known_address"


GOOD_FOR = {
    Purpose.REGISTRATION: timedelta(days=1),
    Purpose.PASSWORD_RESET: timedelta(hours=1),
    Purpose.EMAIL_CHANGE: timedelta(days=1),
    Purpose.KNOWN_ADDRESS: timedelta(0),
}
# Between the first two mails of these kinds, twice as long before each next one; of the others each account has few
# (`domain/limits.py`).
PAUSE = {Purpose.REGISTRATION: timedelta(minutes=3), Purpose.KNOWN_ADDRESS: timedelta(minutes=3)}
LONGEST_PAUSE = timedelta(hours=12)
UNVERIFIED_FOR = timedelta(days=7)  # so long an account waits for its address to be verified


class LinkNoLongerGood(Unprocessable):
    """This link is no longer good: it was used, it is too old, or a newer one was sent. Ask for a new one."""


class NotThisPassword(Forbidden):
    """This is not the password of the account that the link is for. If it is yours and you do not know it, ask for a
    password reset."""


class AddressProof(Aggregate, Base, kw_only=True):
    """`asked_at` is when the last mail went out; without `token_hash` there is nothing to come back."""

    __tablename__ = "address_proofs"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    purpose: Mapped[Purpose] = mapped_column(words(Purpose))
    email: Mapped[str]
    token_hash: Mapped[bytes | None] = mapped_column(default=None, repr=False)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    @classmethod
    def unasked(cls, user_id: int, purpose: Purpose) -> "AddressProof":
        never = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
        proof = cls(user_id=user_id, purpose=purpose, email="", asked_at=never, expires_at=never)
        proof.version = 0
        return proof

    def was_asked_just_now(self, at: datetime) -> bool:
        """The first version is the first mail."""
        doubled: int = 2 ** min(max(self.version - 1, 0), 10)
        return at < self.asked_at + min(PAUSE.get(self.purpose, timedelta(0)) * doubled, LONGEST_PAUSE)

    def ask(self, email: str, at: datetime) -> str:
        """A new secret for this address, which ends the one before it."""
        secret = new_secret()
        self.token_hash = None if self.purpose is Purpose.KNOWN_ADDRESS else digest(secret)
        self.email, self.asked_at, self.expires_at = email, at, at + GOOD_FOR[self.purpose]
        self.version += 1
        return secret

    def must_be_good(self, at: datetime) -> None:
        if self.token_hash is None or at >= self.expires_at:
            raise LinkNoLongerGood

    def use(self, at: datetime) -> None:
        self.must_be_good(at)
        self.token_hash = None
        self.version += 1
