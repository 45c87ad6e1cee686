"""Reading sessions, with their owners."""

from typing import NamedTuple

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shared.clock import now

from ..domain.account import Account, Customer, User
from ..domain.session import RefreshToken
from .accounts import account_of, customer_of_user, team_roles


class KnownSession(NamedTuple):
    """A refresh token, locked, its owner, and whether its session has been ended."""

    token: RefreshToken
    account: Account
    ended: bool


async def find_session(session: AsyncSession, token_hash: bytes) -> KnownSession | None:
    """The session of an open account that this token belongs to; whoever else presents the token waits.

    So does whoever ends the user's tokens (the user is locked first, as everywhere): no token slips out meanwhile.
    """
    revoked = aliased(RefreshToken)
    ended = exists().where(revoked.family == RefreshToken.family, revoked.revoked_at.is_not(None)).label("ended")
    statement = (
        select(RefreshToken, ended, User, Customer, team_roles())
        .join(User, User.id == RefreshToken.user_id)
        .outerjoin(Customer, customer_of_user())
        .where(RefreshToken.token_hash == token_hash, User.deleted_at.is_(None))
        .with_for_update(of=[User, RefreshToken], key_share=True)
    )
    row = (await session.execute(statement)).one_or_none()
    return KnownSession(row[0], account_of(row[2], row[3], row[4]), row[1]) if row else None


async def end_sessions(session: AsyncSession, user_id: int) -> None:
    """Every session of this user, wherever it was opened."""
    living = update(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None))
    await session.execute(living.values(revoked_at=now()))


async def find_successor(session: AsyncSession, token: RefreshToken) -> RefreshToken | None:
    return await session.scalar(select(RefreshToken).where(RefreshToken.replaces_id == token.id))
