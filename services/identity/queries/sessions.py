"""Reading sessions, with their owners."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shared.clock import now
from shared.http import Page, Paged

from ..domain.account import Account, Customer, User
from ..domain.session import RefreshToken
from .accounts import account_of, customer_of_user, team_roles


class KnownSession(NamedTuple):
    """A refresh token, locked, its owner, and whether its session has been ended."""

    token: RefreshToken
    account: Account
    ended: bool


def _ended() -> ColumnElement[bool]:
    revoked = aliased(RefreshToken)
    return exists().where(revoked.family == RefreshToken.family, revoked.revoked_at.is_not(None))


async def find_session(session: AsyncSession, token_hash: bytes) -> KnownSession | None:
    """The session of an open account that this token belongs to; whoever else presents the token waits.

    So does whoever ends the user's tokens (the user is locked first, as everywhere): no token slips out meanwhile.
    """
    statement = (
        select(RefreshToken, _ended().label("ended"), User, Customer, team_roles())
        .join(User, User.id == RefreshToken.user_id)
        .outerjoin(Customer, customer_of_user())
        .where(RefreshToken.token_hash == token_hash, User.deleted_at.is_(None))
        .with_for_update(of=[User, RefreshToken], key_share=True)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    token, ended, user, customer, teams = row
    # While we waited for the lock, the session may have been ended at this very token.
    return KnownSession(token, account_of(user, customer, teams), ended or token.revoked_at is not None)


async def end_sessions(session: AsyncSession, user_id: int) -> None:
    """Every session of this user, wherever it was opened."""
    living = update(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None))
    await session.execute(living.values(revoked_at=now()))


async def find_successor(session: AsyncSession, token: RefreshToken) -> RefreshToken | None:
    return await session.scalar(select(RefreshToken).where(RefreshToken.replaces_id == token.id))


def _live_sessions_of(user_id: int | None) -> Select[RefreshToken]:
    """Each by its newest token, the only one that was not used."""
    unused = select(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.used_at.is_(None))
    return unused.where(RefreshToken.expires_at > now(), ~_ended())


async def sessions_of(session: AsyncSession, user_id: int | None, page: Page) -> Paged[RefreshToken]:
    """The newest first; the order is by when they began, which does not change while somebody turns pages."""
    return await page.of(
        session, _live_sessions_of(user_id), RefreshToken.family_began_at, RefreshToken.id, descending=True
    )


async def live_sessions(
    session: AsyncSession, user_id: int, *, only: UUID | None = None, other_than: UUID | None = None
) -> Sequence[RefreshToken]:
    """One token of each, locked; the user first, as everywhere: no session is refreshed meanwhile."""
    await session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    found = _live_sessions_of(user_id)
    if only:
        found = found.where(RefreshToken.family == only)
    if other_than:
        found = found.where(RefreshToken.family != other_than)
    return (await session.scalars(found.with_for_update(of=RefreshToken))).all()
