"""Every change of identity: load, decide, announce."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, Role
from shared.clock import now
from shared.contracts.identity import MemberAdded, UserChanged, UserRegistered
from shared.db import enforced_by
from shared.outbox import record

from . import queries
from .domain.account import EMAIL_ONCE, Account, AffiliateUser, Customer, EmailTaken, User, UserRole, WrongCredentials
from .domain.password import must_be_uncommon
from .domain.session import RefreshToken, SessionEnded, digest, new_secret
from .passwords import Passwords
from .schemas import LoginRequest


@dataclass(frozen=True)
class Client:
    """Where a session is used from: a name for the device, and its network address."""

    device: str | None
    address: str | None


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner gets it: `secret` exists here and in the answer, nowhere else."""

    account: Account
    token: RefreshToken
    secret: str


async def open_account(
    session: AsyncSession, passwords: Passwords, user: User, password: str, *, phone: str | None = None
) -> Account:
    """A new account; for a customer, with the customer that other services know. `user` comes without its hash."""
    must_be_uncommon(password, about=(user.email, user.full_name))
    user.password_hash = await passwords.hash(password)  # before the first statement: no connection waits for it
    session.add(user)
    with enforced_by(EMAIL_ONCE, EmailTaken):
        await session.flush()
    customer = Customer(user_id=user.id, phone=phone) if user.role is UserRole.CUSTOMER else None
    if customer:
        session.add(customer)
        await session.flush()
    account = Account(user, customer, {})
    record(session, UserRegistered.of(user, customer_id=account.customer_id))
    return account


async def log_in(
    session: AsyncSession, reading: AsyncSession, passwords: Passwords, wanted: LoginRequest, client: Client
) -> OpenSession:
    """A new session. A wrong password and an unknown address are one refusal, and cost the same."""
    known = await queries.find_credentials(reading, wanted.email)
    await reading.close()  # no connection is kept while the hash waits for its turn
    if not await passwords.match(wanted.password, known.password_hash if known else None) or known is None:
        raise WrongCredentials
    account = await queries.get_account(session, known.user_id)
    if account.user.password_hash != known.password_hash:
        raise WrongCredentials  # it was changed while we looked
    account.user.must_be_active()
    secret = new_secret()
    token = RefreshToken.first(account.user.id, secret, now(), device=client.device, address=client.address)
    session.add(token)
    return OpenSession(account, token, secret)


async def refresh(session: AsyncSession, secret: str, client: Client) -> OpenSession | SessionEnded:
    """The next pair of tokens. Reuse ends the session; that is answered, not raised, so that it is written down."""
    found = await queries.find_session(session, digest(secret))
    if found is None or found.ended:
        raise SessionEnded
    found.account.user.must_be_active()
    if found.token.used_at is None:
        successor = found.token.rotate(secret, now(), address=client.address)
        session.add(successor)
        return OpenSession(found.account, successor, successor.secret_after(secret))
    return await _repeat(session, found, secret)


async def _repeat(session: AsyncSession, found: queries.KnownSession, secret: str) -> OpenSession | SessionEnded:
    """A token comes a second time: its answer was lost a moment ago, or somebody has stolen it."""
    successor = await queries.find_successor(session, found.token)
    if successor and found.token.may_be_asked_for_again(successor, now()):
        return OpenSession(found.account, successor, successor.secret_after(secret))
    found.token.revoke(now())
    return SessionEnded()


async def log_out(session: AsyncSession, secret: str) -> None:
    """End the session of this token; nothing if there is none."""
    found = await queries.find_session(session, digest(secret))
    if found and not found.ended:
        found.token.revoke(now())


async def change_me(session: AsyncSession, actor: Actor, version: int | None, wanted: dict[str, Any]) -> Account:
    account = await queries.get_account(session, actor.user_id)
    account.user.expect(version)
    if account.change(wanted):
        record(session, UserChanged.of(account.user, customer_id=account.customer_id))
        await session.flush()  # so that the answer has the new `updated_at`
    return account


async def give_affiliate_its_owner(session: AsyncSession, affiliate_id: int, user_id: int) -> None:
    """Whoever applied owns the affiliate, unless it has a team already: then the team itself decides."""
    await queries.must_exist(session, user_id)
    if await queries.has_team(session, affiliate_id):
        return
    member = AffiliateUser(affiliate_id=affiliate_id, user_id=user_id, role=Role.OWNER)
    session.add(member)
    await session.flush()
    record(session, MemberAdded.of(member))
