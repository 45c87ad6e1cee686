"""Keys of integrators: made by a person, for one affiliate or for reading the platform (docs/decisions/0017).

`mdh_live_<prefix>_<256 bits>` exists once, in the answer that made it; here is its SHA-256. A key opens nothing itself:
it is exchanged for access tokens, which say what its maker is by then. Without its maker it is dead.
"""

import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from string import ascii_lowercase, digits
from typing import Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import STAFF, Actor, Role
from shared.db import Aggregate
from shared.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable

from . import Base
from .account import Account, UserStatus
from .session import digest

KEY = re.compile(r"mdh_live_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
MOST_KEYS = 20
NOTED_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """What a key can be made for. Who somebody is, and payments, no key changes.

    `booking:write` does what its maker may do to appointments: cancel them too, after which money goes back.
    """

    IDENTITY_READ = "identity:read"
    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    BOOKING_READ = "booking:read"
    BOOKING_WRITE = "booking:write"
    PAYMENTS_READ = "payments:read"
    REVIEWS_READ = "reviews:read"
    REVIEWS_WRITE = "reviews:write"
    NOTIFICATIONS_READ = "notifications:read"
    NOTIFICATIONS_WRITE = "notifications:write"
    ANALYTICS_READ = "analytics:read"
    ANALYTICS_WRITE = "analytics:write"


class WrongApiKey(Unauthenticated):
    """This API key is no longer good, or never was: unknown, incomplete, expired or revoked, or its maker is gone."""


class NoSuchApiKey(NotFound):
    """There is no such API key, or it is not yours to see."""


class KeysAreForAffiliates(Forbidden):
    """Keys are made for an affiliate, by its owner and managers; without one, by the platform's administrators."""


class PlatformKeysRead(Unprocessable):
    """A key without an affiliate only reads."""


class TooManyApiKeys(Conflict):
    """You have twenty keys that are good. Revoke one of them first."""


def new_key() -> str:
    prefix = "".join(secrets.choice(ascii_lowercase + digits) for _ in range(8))
    return f"mdh_live_{prefix}_{secrets.token_urlsafe(32)}"


def prefix_of(key: str) -> str:
    """How it begins; nothing if it cannot be one."""
    match = KEY.fullmatch(key)
    return match[1] if match else ""


def digest_of(key: str) -> bytes:
    """What it is found by; `WrongApiKey` if it cannot be one."""
    if not KEY.fullmatch(key):
        raise WrongApiKey
    return digest(key)


class ApiKey(Aggregate, Base, kw_only=True):
    """`prefix` is what people know it by; `last_used_at` is right to the minute."""

    __tablename__ = "api_keys"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    affiliate_id: Mapped[int | None]
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(repr=False)
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)

    @classmethod
    def make(
        cls, maker: Account, key: str, *, name: str, affiliate_id: int | None, scopes: set[Scope], expires_at: datetime
    ) -> Self:
        actor = maker.actor
        if not (actor.runs(affiliate_id) if affiliate_id else actor.is_admin):
            raise KeysAreForAffiliates
        if affiliate_id is None and any(not scope.endswith(":read") for scope in scopes):
            raise PlatformKeysRead
        return cls(
            user_id=maker.user.id,
            affiliate_id=affiliate_id,
            name=name,
            prefix=prefix_of(key),
            secret_hash=digest_of(key),
            scopes=sorted(scopes),
            expires_at=expires_at,
        )

    def speaks_for(self, maker: Account, at: datetime) -> Actor:
        """Its maker, in the one affiliate, in the role that they have there now."""
        roles, role = maker.actor.roles & STAFF, maker.team_roles.get(self.affiliate_id or 0)
        alive = self.revoked_at is None and at < self.expires_at and maker.user.status is UserStatus.ACTIVE
        if not alive or not (role if self.affiliate_id else roles):
            raise WrongApiKey
        affiliates: dict[int, Role] = {self.affiliate_id: role} if self.affiliate_id and role else {}
        return Actor(
            user_id=maker.user.id,
            roles=frozenset() if affiliates else roles,
            affiliates=affiliates,
            api_key=self.id,
            scopes=frozenset(self.scopes),
        )

    def note_use(self, at: datetime) -> None:
        if self.last_used_at is None or at - self.last_used_at >= NOTED_EVERY:
            self.last_used_at = at

    def may_be_seen_by(self, actor: Actor) -> bool:
        """Its maker, those who run its affiliate, and administrators: whoever finds it leaked can revoke it."""
        runs = self.affiliate_id is not None and actor.runs(self.affiliate_id)
        return actor.user_id == self.user_id or runs or actor.is_admin

    def revoke(self, at: datetime) -> bool:
        """Says whether it was good until now."""
        if self.revoked_at or at >= self.expires_at:
            return False
        self.revoked_at = at
        self.version += 1
        return True
