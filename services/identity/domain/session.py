"""Sessions: chains of refresh tokens, of which the last is good, once.

A token is 256 bits that only the client keeps; here is its SHA-256. The first of a chain (a `family`) is random, each
next one is HMAC-SHA256(the one before it, a random salt), so that a client whose answer was lost gets the same
successor again, without the platform ever storing one: a chain never forks. The salt is wiped when its token is used.

A family ends when any of its tokens is revoked, which takes no lock on the others.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate
from shared.errors import NotFound, Unauthenticated
from shared.ids import new_id

from . import Base

IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=60)
GRACE = timedelta(seconds=10)
UNDER_WAY = timedelta(minutes=1)  # longer than a refresh can take that began before its session was ended
ONE_SUCCESSOR = "refresh_tokens_one_successor"


class SessionEnded(Unauthenticated):
    """This refresh token is no longer good: it is unknown, too old, revoked or was used before. Log in again."""


class NoSuchSession(NotFound):
    """There is no such session, or it has ended."""


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


class RefreshToken(Aggregate, Base, kw_only=True):
    """One token of a session; issued at `created_at`, `used_at` once it was exchanged for its successor."""

    __tablename__ = "refresh_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    family: Mapped[UUID]
    family_began_at: Mapped[datetime]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("refresh_tokens.id"), default=None)
    token_hash: Mapped[bytes] = mapped_column(repr=False)
    salt: Mapped[bytes | None] = mapped_column(default=None, repr=False)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    device: Mapped[str | None]
    address: Mapped[str | None]

    @classmethod
    def first(cls, user_id: int, secret: str, at: datetime, *, device: str | None, address: str | None) -> Self:
        return cls(
            user_id=user_id,
            family=new_id(),
            family_began_at=at,
            token_hash=digest(secret),
            expires_at=at + IDLE,
            device=device,
            address=address,
        )

    def rotate(self, secret: str, at: datetime, *, address: str | None) -> "RefreshToken":
        """Use this token up, and make its successor; `SessionEnded` if it has expired. `secret` is this token's."""
        if at >= self.expires_at:
            raise SessionEnded
        self.used_at, self.salt = at, None
        self.version += 1
        salt = secrets.token_bytes(32)
        return RefreshToken(
            user_id=self.user_id,
            family=self.family,
            family_began_at=self.family_began_at,
            replaces_id=self.id,
            token_hash=digest(_derived(secret, salt)),
            salt=salt,
            expires_at=min(at + IDLE, self.family_began_at + ABSOLUTE),
            device=self.device,
            address=address,
        )

    def secret_after(self, secret: str) -> str:
        """The secret of this token, from that of the one that it replaced."""
        assert self.salt is not None
        return _derived(secret, self.salt)

    def may_be_asked_for_again(self, successor: "RefreshToken | None", at: datetime) -> bool:
        """A used token is good for a repeated answer only: at once, and while its successor waits to be used."""
        return (
            self.used_at is not None
            and at - self.used_at <= GRACE
            and successor is not None
            and successor.used_at is None
        )

    def revoke(self, at: datetime) -> None:
        """End the session, every token of its family included."""
        self.revoked_at = at
        self.version += 1


def _derived(secret: str, salt: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), salt, "sha256")).rstrip(b"=").decode()
