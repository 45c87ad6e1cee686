"""Opening sessions, keeping them alive, ending them."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts import identity as contracts
from shared.outbox import record
from shared.revocation import end_tokens

from ..domain.account import Account, WrongCredentials
from ..domain.limits import LOGIN
from ..domain.second_factor import Challenge
from ..domain.session import UNDER_WAY, NoSuchSession, RefreshToken, SessionEnded, digest, new_secret
from ..limits import Limits
from ..passwords import Passwords
from ..queries.accounts import find_credentials, get_account
from ..queries.sessions import KnownSession, find_session, find_successor, live_sessions
from ..schemas.sessions import LoginRequest


@dataclass(frozen=True)
class Client:
    """Where a session is used from: a name for the device, and its network address."""

    device: str | None
    address: str | None


@dataclass(frozen=True)
class Unverified:
    """Somebody knows the password of an account whose address is not verified yet."""

    email: str


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner gets it: `secret` exists here and in the answer, nowhere else."""

    account: Account
    token: RefreshToken
    secret: str

    @property
    def actor(self) -> Actor:
        """Who its access tokens speak for: they are of this session, and end with it."""
        return replace(self.account.actor, session=str(self.token.family))


@dataclass(frozen=True)
class CodeNeeded:
    """A sign-in that waits for the second factor: `secret` exists here and in the answer, nowhere else."""

    challenge: Challenge
    secret: str


def sign_in(session: AsyncSession, account: Account, client: Client) -> OpenSession | CodeNeeded:
    """What every way of signing in goes on with, once it is known whose account it is."""
    account.user.must_be_active()
    if account.user.second_factor_at is None:
        return open_session(session, account, client)
    secret = new_secret()
    challenge = Challenge.to(account.user, secret, now(), device=client.device)
    session.add(challenge)
    return CodeNeeded(challenge, secret)


def open_session(session: AsyncSession, account: Account, client: Client) -> OpenSession:
    """What every way of signing in ends with, after the second factor if there is one."""
    account.user.must_be_active()
    secret = new_secret()
    token = RefreshToken.first(account.user.id, secret, now(), device=client.device, address=client.address)
    session.add(token)
    return OpenSession(account, token, secret)


async def log_in(
    session: AsyncSession,
    reading: AsyncSession,
    limits: Limits,
    passwords: Passwords,
    wanted: LoginRequest,
    client: Client,
) -> OpenSession | CodeNeeded | Unverified:
    """A new session. A wrong password and an unknown address are one refusal, and cost the same."""
    await limits.spend(LOGIN, wanted.email)
    known = await find_credentials(reading, wanted.email)
    await reading.close()  # no connection is kept while the hash waits for its turn
    if not await passwords.match(wanted.password, known.password_hash if known else None) or known is None:
        raise WrongCredentials
    if not known.verified:
        return Unverified(wanted.email)
    renewed = await passwords.renewed(wanted.password, known.password_hash)
    account = await get_account(session, known.user_id, lock=True)
    if account.user.password_hash != known.password_hash:
        raise WrongCredentials  # it was changed while we looked
    account.user.password_hash = renewed or known.password_hash
    return sign_in(session, account, client)


async def refresh(session: AsyncSession, secret: str, client: Client) -> OpenSession | SessionEnded:
    """The next pair of tokens. Reuse ends the session; that is answered, not raised, so that it is written down."""
    found = await find_session(session, digest(secret))
    if found is None or found.ended:
        raise SessionEnded
    found.account.user.must_be_active()
    if found.token.used_at is None:
        successor = found.token.rotate(secret, now(), address=client.address)
        session.add(successor)
        return OpenSession(found.account, successor, successor.secret_after(secret))
    return await _repeat(session, found, secret, client)


async def _repeat(
    session: AsyncSession, found: KnownSession, secret: str, client: Client
) -> OpenSession | SessionEnded:
    """A token comes a second time: its answer was lost a moment ago, or somebody has stolen it."""
    successor = await find_successor(session, found.token)
    if successor and found.token.may_be_asked_for_again(successor, now()):
        return OpenSession(found.account, successor, successor.secret_after(secret))
    found.token.revoke(now())
    told = _end_of(found.token) | {"device": client.device, "address": client.address}
    await _tell(session, contracts.SessionReused.of(found.token, **told))
    return SessionEnded()


async def log_out(session: AsyncSession, secret: str) -> None:
    """End the session of this token; nothing if there is none."""
    found = await find_session(session, digest(secret))
    if found and not found.ended:
        await _end(session, found.token)


async def end_session(session: AsyncSession, actor: Actor, family: UUID) -> None:
    """End one session of one's own."""
    assert actor.user_id is not None
    tokens = await live_sessions(session, actor.user_id, only=family)
    if not tokens:
        raise NoSuchSession
    await _end(session, *tokens)


async def end_other_sessions(session: AsyncSession, actor: Actor) -> None:
    assert actor.user_id is not None
    await end_all_sessions(session, actor.user_id, but=actor.session)


async def end_all_sessions(session: AsyncSession, user_id: int, *, but: str | None = None) -> None:
    """End all sessions of a user, `but` that of this `Actor.session`."""
    await _end(session, *await live_sessions(session, user_id, other_than=UUID(but) if but else None))


async def _end(session: AsyncSession, *tokens: RefreshToken) -> None:
    for token in tokens:
        token.revoke(now())
        await _tell(session, contracts.SessionEnded.of(token, **_end_of(token)))


async def _tell(session: AsyncSession, event: contracts.EndsTokens) -> None:
    """The others hear of it when the broker tells them; identity itself refuses the tokens without it."""
    record(session, event)
    await end_tokens(session, event.ended, event.tokens_end_at)


def _end_of(token: RefreshToken) -> dict[str, Any]:
    return {"session": token.family, "tokens_end_at": now() + UNDER_WAY}
