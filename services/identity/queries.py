"""Every read of identity, and every lock."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shared.auth import Role
from shared.errors import Unauthenticated

from .domain.account import Account, AffiliateUser, Customer, NoSuchUser, User
from .domain.session import RefreshToken


class Credentials(NamedTuple):
    user_id: int
    password_hash: str


class KnownSession(NamedTuple):
    """A refresh token, locked, its owner, and whether its session has been ended."""

    token: RefreshToken
    account: Account
    ended: bool


def _team_roles() -> ColumnElement[dict[str, str] | None]:
    """What roles a user has in teams, as one column: an account is one statement."""
    roles = func.jsonb_object_agg(AffiliateUser.affiliate_id, AffiliateUser.role, type_=JSONB)
    return select(roles).where(AffiliateUser.user_id == User.id).correlate(User).scalar_subquery()


def _customer_of_user() -> ColumnElement[bool]:
    return (Customer.user_id == User.id) & Customer.deleted_at.is_(None)


def _accounts() -> Select[User, Customer, dict[str, str] | None]:
    statement = select(User, Customer, _team_roles()).outerjoin(Customer, _customer_of_user())
    return statement.where(User.deleted_at.is_(None))


def _account(user: User, customer: Customer | None, team_roles: dict[str, str] | None) -> Account:
    return Account(user, customer, {int(id): Role(role) for id, role in (team_roles or {}).items()})


async def find_credentials(session: AsyncSession, email: str) -> Credentials | None:
    of = select(User.id, User.password_hash).where(_has_address(email), User.deleted_at.is_(None))
    row = (await session.execute(of)).one_or_none()
    return Credentials(*row) if row else None


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    return await session.scalar(select(User).where(_has_address(email), User.deleted_at.is_(None)))


def _has_address(email: str) -> ColumnElement[bool]:
    return func.lower(User.email) == func.lower(email)


async def get_account(session: AsyncSession, user_id: int | None) -> Account:
    """`Unauthenticated` if it was closed meanwhile: whoever asks holds a token or a password of it."""
    row = (await session.execute(_accounts().where(User.id == user_id))).one_or_none()
    if row is None:
        raise Unauthenticated
    return _account(row[0], row[1], row[2])


async def find_session(session: AsyncSession, token_hash: bytes) -> KnownSession | None:
    """The session of an open account that this token belongs to; whoever else presents the token waits."""
    revoked = aliased(RefreshToken)
    ended = exists().where(revoked.family == RefreshToken.family, revoked.revoked_at.is_not(None)).label("ended")
    statement = (
        select(RefreshToken, ended, User, Customer, _team_roles())
        .join(User, User.id == RefreshToken.user_id)
        .outerjoin(Customer, _customer_of_user())
        .where(RefreshToken.token_hash == token_hash, User.deleted_at.is_(None))
        .with_for_update(of=RefreshToken)
    )
    row = (await session.execute(statement)).one_or_none()
    return KnownSession(row[0], _account(row[2], row[3], row[4]), row[1]) if row else None


async def find_successor(session: AsyncSession, token: RefreshToken) -> RefreshToken | None:
    return await session.scalar(select(RefreshToken).where(RefreshToken.replaces_id == token.id))


async def must_exist(session: AsyncSession, user_id: int) -> None:
    if await session.scalar(select(User.id).where(User.id == user_id)) is None:
        raise NoSuchUser


async def has_team(session: AsyncSession, affiliate_id: int) -> bool:
    of = select(exists().where(AffiliateUser.affiliate_id == affiliate_id))
    return bool(await session.scalar(of))
