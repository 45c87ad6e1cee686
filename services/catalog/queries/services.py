"""Services with their tiers, and the categories they are sorted into."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor

from ..domain.affiliate import Affiliate, NoSuchAffiliate
from ..domain.service import Category, NoSuchService, Service
from .affiliates import affiliate_for


async def get_service(session: AsyncSession, service_id: int, *, lock: bool = False) -> Service:
    """With its tiers, in two statements."""
    service = await session.get(Service, service_id, with_for_update=lock or None)
    if service is None or service.deleted_at is not None:
        raise NoSuchService
    return service


async def service_for(
    session: AsyncSession, actor: Actor, service_id: int, *, lock: bool = False
) -> tuple[Service, Affiliate]:
    """A service that this actor may see, and who offers it; to all others it does not exist."""
    service = await get_service(session, service_id, lock=lock)
    try:
        affiliate = await affiliate_for(session, actor, service.affiliate_id)
    except NoSuchAffiliate as refusal:
        raise NoSuchService from refusal
    if not (service.is_offered or affiliate.is_known_to(actor)):
        raise NoSuchService
    return service, affiliate


async def services_of(session: AsyncSession, affiliate_id: int, *, offered_only: bool) -> Sequence[Service]:
    """With their tiers, in two statements; by category, oldest first."""
    of = select(Service).where(Service.affiliate_id == affiliate_id, Service.deleted_at.is_(None))
    if offered_only:
        of = of.where(Service.active)
    return (await session.scalars(of.order_by(Service.category, Service.id))).all()


async def services_count(session: AsyncSession, affiliate_id: int) -> int:
    of = select(func.count()).where(Service.affiliate_id == affiliate_id, Service.deleted_at.is_(None))
    return await session.scalar(of) or 0


async def categories(session: AsyncSession) -> Sequence[Category]:
    return (await session.scalars(select(Category).where(Category.active).order_by(Category.position))).all()
