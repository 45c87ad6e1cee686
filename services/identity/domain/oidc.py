"""Signing in at an OpenID provider: what is begun here, what the provider says, whose account that is.

Of a sign-in that was begun only two hashes are kept. The browser keeps a secret of 256 bits, which it got in a cookie;
`nonce` and PKCE's verifier follow from it and the `state`. So nobody completes a sign-in but the browser that began it,
and there is nothing in the database to complete one with.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped
from shared.errors import BadRequest, Conflict, Forbidden, NotFound, Refusal

from . import Base
from .account import User
from .session import digest

LIFE = timedelta(minutes=10)
LINK_ONCE, ONE_PER_ISSUER = "oidc_links_once", "oidc_links_one_per_issuer"


class NoSuchProvider(NotFound):
    """Nobody can sign in with this provider here."""


class NoSuchLink(NotFound):
    """Your account is not linked like this."""


class SignInLost(BadRequest):
    """This sign-in took too long, was completed already, or was begun in another browser. Begin again."""


class SignInDenied(Forbidden):
    """The provider did not let you in, or you did not let it tell us who you are. Begin again, or sign in otherwise."""


class AddressNotProven(Forbidden):
    """The provider does not vouch for your e-mail address: it names none, or has not verified it."""


class LinkedOtherwise(Conflict):
    """The account with this address is linked to another account at this provider. Sign in with your password."""


class StaffSignInHere(Forbidden):
    """Staff sign in here, with their password and second factor, and at no provider."""


class OnlyWayIn(Conflict):
    """Without this link nobody could sign in to your account. Give it a password first, by a password reset."""


class ProviderAway(Refusal):
    """The provider does not answer right now. Try again in a minute, or sign in otherwise."""

    status = 503
    headers = {"Retry-After": "60"}  # noqa: RUF012


class ProviderUnsound(Refusal):
    """The provider answered what it must not, so we cannot say who you are. Try again, or sign in otherwise."""

    status = 502


class SentBack(Refusal):
    """This sign-in came to nothing; the page that it leads back to is told why."""

    status = 303


def must_not_be_staff(user: User) -> None:
    """Whoever could take over the mailbox or the provider's account of somebody on our staff gets nothing by it."""
    if user.is_staff:
        raise StaffSignInHere


class Authorization(Keyed, Timestamped, Base, kw_only=True):
    """A sign-in that was begun and waits for its browser to come back from the provider; it is deleted then."""

    __tablename__ = "oidc_authorizations"

    provider: Mapped[str]
    state_hash: Mapped[bytes] = mapped_column(repr=False)
    browser_hash: Mapped[bytes] = mapped_column(repr=False)
    device: Mapped[str | None]
    return_to: Mapped[str | None]
    expires_at: Mapped[datetime]


class Link(Keyed, Timestamped, Base, kw_only=True):
    """An account here and one at an issuer that are the same person's. `email` is the issuer's, when it was linked."""

    __tablename__ = "oidc_links"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str]
    issuer: Mapped[str]
    subject: Mapped[str] = mapped_column(repr=False)
    email: Mapped[str]
    last_used_at: Mapped[datetime]

    @classmethod
    def of(cls, user: User, claimed: "Claimed", at: datetime) -> Self:
        return cls(
            user_id=user.id,
            provider=claimed.provider,
            issuer=claimed.issuer,
            subject=claimed.subject,
            email=claimed.proven_address(),
            last_used_at=at,
        )


@dataclass(frozen=True)
class Claimed:
    """Who somebody is at a provider, as it says; `email_verified` only if it says so in as many words."""

    provider: str
    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None = None
    locale: str | None = None
    timezone: str | None = None

    def proven_address(self) -> str:
        if self.email is None or not self.email_verified:
            raise AddressNotProven
        return self.email


@dataclass(frozen=True)
class Secrets:
    """What belongs to one sign-in, all of it following from what only its browser and its URL have."""

    browser: str
    state: str

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        return self._derived("verifier")

    def _derived(self, name: str) -> str:
        raw = hmac.digest(self.browser.encode(), f"{name} {self.state}".encode(), "sha256")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def begun(self, provider: str, at: datetime, *, device: str | None, return_to: str | None) -> Authorization:
        return Authorization(
            provider=provider,
            state_hash=digest(self.state),
            browser_hash=digest(self.browser),
            device=device,
            return_to=return_to,
            expires_at=at + LIFE,
        )
