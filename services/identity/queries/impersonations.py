"""Reading impersonations."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.impersonation import Impersonation, NoSuchImpersonation


async def impersonations_of(session: AsyncSession, staff: Actor, page: Page) -> Paged[Impersonation]:
    """Newest first: all of them for administrators, for others their own."""
    statement = select(Impersonation)
    if not staff.is_admin:
        statement = statement.where(Impersonation.staff_id == staff.user_id)
    return await page.of(session, statement, Impersonation.created_at, Impersonation.id, descending=True)


async def lock_impersonation(session: AsyncSession, staff: Actor, impersonation_id: int) -> Impersonation:
    statement = select(Impersonation).where(Impersonation.id == impersonation_id).with_for_update(key_share=True)
    found = await session.scalar(statement)
    if found is None or not found.may_be_seen_by(staff):
        raise NoSuchImpersonation
    return found
