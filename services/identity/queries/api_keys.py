"""Reading API keys."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.account import Account, Customer, User
from ..domain.api_key import ApiKey, NoSuchApiKey
from .accounts import account_of, customer_of_user, open_, team_roles


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """As `ApiKey.may_be_seen_by` has it."""
    run = [id for id in actor.affiliates if actor.runs(id)]
    return true() if actor.is_admin else or_(ApiKey.user_id == actor.user_id, ApiKey.affiliate_id.in_(run))


async def api_keys_of(session: AsyncSession, actor: Actor, page: Page) -> Paged[ApiKey]:
    """Newest first, those that are no longer good included."""
    return await page.of(
        session, select(ApiKey).where(visible_to(actor)), ApiKey.created_at, ApiKey.id, descending=True
    )


async def lock_api_key(session: AsyncSession, actor: Actor, api_key_id: int) -> ApiKey:
    statement = select(ApiKey).where(ApiKey.id == api_key_id, visible_to(actor)).with_for_update(key_share=True)
    found = await session.scalar(statement)
    if found is None:
        raise NoSuchApiKey
    return found


async def find_api_key(session: AsyncSession, secret_hash: bytes) -> tuple[ApiKey, Account] | None:
    """The key and its maker's open account in one statement; whoever ends either's tokens waits, or we do."""
    statement = (
        select(ApiKey, User, Customer, team_roles())
        .join(User, User.id == ApiKey.user_id)
        .outerjoin(Customer, customer_of_user())
        .where(ApiKey.secret_hash == secret_hash, open_())
        .with_for_update(of=[User, ApiKey], key_share=True)
    )
    row = (await session.execute(statement)).one_or_none()
    return (row[0], account_of(row[1], row[2], row[3])) if row else None


async def good_keys_of(session: AsyncSession, user_id: int, at: datetime) -> int:
    good = select(func.count()).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None), ApiKey.expires_at > at)
    return await session.scalar(good) or 0
