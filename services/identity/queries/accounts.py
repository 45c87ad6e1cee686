"""Reading accounts."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Role
from shared.errors import Unauthenticated

from ..domain.account import Account, AffiliateUser, Customer, NoSuchUser, User


class Credentials(NamedTuple):
    user_id: int
    password_hash: str
    verified: bool


def team_roles() -> ColumnElement[dict[str, str] | None]:
    """What roles a user has in teams, as one column: an account is one statement."""
    roles = func.jsonb_object_agg(AffiliateUser.affiliate_id, AffiliateUser.role, type_=JSONB)
    own = (AffiliateUser.user_id == User.id) & AffiliateUser.removed_at.is_(None)
    return select(roles).where(own).correlate(User).scalar_subquery()


def customer_of_user() -> ColumnElement[bool]:
    return (Customer.user_id == User.id) & Customer.deleted_at.is_(None)


def accounts() -> Select[User, Customer, dict[str, str] | None]:
    """With those whose address nobody has verified yet."""
    statement = select(User, Customer, team_roles()).outerjoin(Customer, customer_of_user())
    return statement.where(User.deleted_at.is_(None))


def open_() -> ColumnElement[bool]:
    """Of accounts that can be used; the others are nobody's business but that of whoever asked for them."""
    return User.deleted_at.is_(None) & User.email_verified_at.is_not(None)


def account_of(user: User, customer: Customer | None, team_roles: dict[str, str] | None) -> Account:
    return Account(user, customer, {int(id): Role(role) for id, role in (team_roles or {}).items()})


async def find_credentials(session: AsyncSession, email: str) -> Credentials | None:
    verified = User.email_verified_at.is_not(None)
    of = select(User.id, User.password_hash, verified).where(_has_address(email), User.deleted_at.is_(None))
    row = (await session.execute(of)).one_or_none()
    return Credentials(*row) if row else None


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    return await session.scalar(select(User).where(_has_address(email), User.deleted_at.is_(None)))


async def lock_account_with(session: AsyncSession, email: str) -> Account | None:
    """The open account of this address, though nobody may have verified it yet."""
    statement = accounts().where(_has_address(email)).execution_options(populate_existing=True)
    row = (await session.execute(statement.with_for_update(of=User))).one_or_none()
    return account_of(row[0], row[1], row[2]) if row else None


def _has_address(email: str) -> ColumnElement[bool]:
    return func.lower(User.email) == func.lower(email)


async def get_account(session: AsyncSession, user_id: int | None, *, lock: bool = False) -> Account:
    """`Unauthenticated` if it was closed meanwhile: whoever asks holds a token or a password of it."""
    account = await find_account(session, user_id, lock=lock)
    if account is None:
        raise Unauthenticated
    return account


async def find_account(session: AsyncSession, user_id: int | None, *, lock: bool = False) -> Account | None:
    """An open account. With `lock`, whoever ends its tokens waits until ours is out, or we until they are ended."""
    statement = accounts().where(User.id == user_id, open_())
    if lock:
        statement = statement.with_for_update(of=User, key_share=True).execution_options(populate_existing=True)
    row = (await session.execute(statement)).one_or_none()
    return account_of(row[0], row[1], row[2]) if row else None


async def must_exist(session: AsyncSession, user_id: int) -> None:
    if await session.scalar(select(User.id).where(User.id == user_id)) is None:
        raise NoSuchUser


async def lock_user(session: AsyncSession, user_id: int | None) -> User:
    """The user of an open account, who stays as it is until this transaction ends."""
    of = select(User).where(User.id == user_id, User.deleted_at.is_(None)).with_for_update()
    if (user := await session.scalar(of)) is None:
        raise Unauthenticated
    return user


async def password_of(session: AsyncSession, user_id: int | None) -> str | None:
    return await session.scalar(select(User.password_hash).where(User.id == user_id, User.deleted_at.is_(None)))


async def lock_unverified(session: AsyncSession, user_ids: Sequence[int]) -> Sequence[int]:
    """Those of them who have not verified their address."""
    of = select(User.id).where(User.id.in_(user_ids), User.email_verified_at.is_(None)).order_by(User.id)
    return (await session.scalars(of.with_for_update())).all()


async def unverified_since(session: AsyncSession, before: datetime, *, limit: int) -> Sequence[int]:
    of = select(User.id).where(User.email_verified_at.is_(None), User.created_at < before).order_by(User.created_at)
    return (await session.scalars(of.limit(limit))).all()
