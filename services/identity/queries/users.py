"""Reading users, as the platform's staff do."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.http import Page, Paged

from ..domain.account import Account, NoSuchUser, User, UserRole, UserStatus
from ..domain.session import RefreshToken
from .accounts import find_account, open_


async def users_matching(
    session: AsyncSession, page: Page, *, email: str | None, id: int | None, status: UserStatus | None
) -> Paged[User]:
    """Open accounts, newest first; `email` is an address or how it begins, in any case."""
    statement = select(User).where(open_())
    if email is not None:
        statement = statement.where(func.lower(User.email).startswith(email.lower(), autoescape=True))
    if id is not None:
        statement = statement.where(User.id == id)
    if status is not None:
        statement = statement.where(User.status == status)
    return await page.of(session, statement, User.created_at, User.id, descending=True)


async def get_user(session: AsyncSession, user_id: int, *, lock: bool = False) -> Account:
    account = await find_account(session, user_id, lock=lock)
    if account is None:
        raise NoSuchUser
    return account


async def lock_users(session: AsyncSession, *user_ids: int) -> list[Account]:
    """In the order asked for; locked in that of their ids, so that nobody waits in a circle."""
    locked = {id: await get_user(session, id, lock=True) for id in sorted(user_ids)}
    return [locked[id] for id in user_ids]


async def lock_administrators(session: AsyncSession) -> list[int]:
    """Those who can sign in. Locked before any user: of two who take the last two away, one comes too late."""
    statement = select(User.id).where(User.role == UserRole.ADMIN, User.status == UserStatus.ACTIVE, open_())
    return list((await session.scalars(statement.order_by(User.id).with_for_update(key_share=True))).all())


async def open_sessions_of(session: AsyncSession, user_id: int, at: datetime) -> int:
    """How many sessions can be carried on: those whose last token is neither used, revoked nor too old."""
    revoked = select(RefreshToken.family).where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_not(None))
    living = select(func.count()).where(
        RefreshToken.user_id == user_id,
        RefreshToken.used_at.is_(None),
        RefreshToken.expires_at > at,
        RefreshToken.family.not_in(revoked),
    )
    return await session.scalar(living) or 0
