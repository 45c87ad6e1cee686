"""Services with their tiers and photos."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor

from ..domain.affiliate import Affiliate, NoSuchAffiliate
from ..domain.service import NoSuchService, Service
from .affiliates import affiliate_for


async def get_service(session: AsyncSession, service_id: int, *, lock: bool = False) -> Service:
    """With its tiers and photos, in three statements."""
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


async def services_of(
    session: AsyncSession, affiliate_id: int, *, offered_only: bool = False, lock: bool = False
) -> Sequence[Service]:
    """With their tiers and photos, in three statements; in the affiliate's order."""
    of = select(Service).where(Service.affiliate_id == affiliate_id, Service.deleted_at.is_(None))
    if offered_only:
        of = of.where(Service.active)
    of = of.order_by(Service.position, Service.id)
    return (await session.scalars(of.with_for_update() if lock else of)).all()


async def count_and_next_position(session: AsyncSession, affiliate_id: int) -> tuple[int, int]:
    """How many services an affiliate has, and the place after the last of them."""
    after_last = func.coalesce(func.max(Service.position) + 1, 0)
    of = select(func.count(), after_last).where(Service.affiliate_id == affiliate_id, Service.deleted_at.is_(None))
    count, position = (await session.execute(of)).one()
    return count, position
