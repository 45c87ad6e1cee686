"""Sign-ins at providers, and whose account is linked to which of theirs."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.account import User
from ..domain.oidc import Authorization, Claimed, Link, Secrets
from ..domain.session import digest


class Begun(NamedTuple):
    """A sign-in whose browser is back."""

    device: str | None
    return_to: str | None


async def take_authorization(reading: AsyncSession, provider: str, secrets: Secrets, at: datetime) -> Begun | None:
    """Once, and for good: in autocommit, so that whatever goes wrong afterwards does not make it usable again."""
    taken = (
        delete(Authorization)
        .where(
            Authorization.state_hash == digest(secrets.state),
            Authorization.browser_hash == digest(secrets.browser),
            Authorization.provider == provider,
            Authorization.expires_at > at,
        )
        .returning(Authorization.device, Authorization.return_to)
    )
    row = (await reading.execute(taken)).one_or_none()
    return Begun(*row) if row else None


async def find_link(session: AsyncSession, claimed: Claimed) -> Link | None:
    """Of an account that is open."""
    of = select(Link).join(User, User.id == Link.user_id).where(User.deleted_at.is_(None))
    return await session.scalar(of.where(Link.issuer == claimed.issuer, Link.subject == claimed.subject))


async def links_of(session: AsyncSession, user_id: int | None) -> Sequence[Link]:
    return (await session.scalars(select(Link).where(Link.user_id == user_id).order_by(Link.id))).all()


async def forget_closed(session: AsyncSession, claimed: Claimed) -> None:
    """Links of accounts that were closed: the person may come back."""
    closed = select(User.id).where(User.id == Link.user_id, User.deleted_at.is_not(None)).exists()
    await session.execute(delete(Link).where(Link.issuer == claimed.issuer, Link.subject == claimed.subject, closed))
