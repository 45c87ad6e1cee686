"""What happens to an offer: a service with its tiers."""

from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.catalog import OfferChanged, OfferEvent, OfferPublished, OfferWithdrawn, Tier
from shared.db import enforced_by
from shared.outbox import record

from ..domain.service import CATEGORY_EXISTS, MAX_SERVICES, Service, TooManyServices, UnknownCategory
from ..queries.affiliates import affiliate_for
from ..queries.services import service_for, services_count
from ..schemas.services import ServiceChangeRequest, ServiceRequest

E = TypeVar("E", bound=OfferEvent)


async def publish_service(session: AsyncSession, actor: Actor, affiliate_id: int, wanted: ServiceRequest) -> Service:
    """Offers may be made before the affiliate is approved; nobody sees them until then."""
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_run_by(actor)
    if await services_count(session, affiliate_id) >= MAX_SERVICES:
        raise TooManyServices
    drafts = [tier.draft() for tier in wanted.tiers]
    service = Service.publish(
        affiliate_id, wanted.category, wanted.name, wanted.description, drafts, active=wanted.active
    )
    session.add(service)
    await _store(session)
    record(session, _as_it_is(OfferPublished, service))
    return service


async def revise_service(
    session: AsyncSession, actor: Actor, service_id: int, version: int | None, wanted: ServiceChangeRequest
) -> Service:
    service = await _load(session, actor, service_id, version)
    drafts = [tier.draft() for tier in wanted.tiers]
    service.revise(wanted.category, wanted.name, wanted.description, drafts, active=wanted.active, at=now())
    await _store(session)
    record(session, _as_it_is(OfferChanged, service))
    return service


async def withdraw_service(session: AsyncSession, actor: Actor, service_id: int, version: int | None) -> None:
    service = await _load(session, actor, service_id, version)
    service.withdraw(now())
    record(session, _as_it_is(OfferWithdrawn, service))


async def _load(session: AsyncSession, actor: Actor, service_id: int, version: int | None) -> Service:
    """To change it: locked, and only for those who run its affiliate."""
    service, affiliate = await service_for(session, actor, service_id, lock=True)
    affiliate.must_be_run_by(actor)
    service.expect(version)
    return service


async def _store(session: AsyncSession) -> None:
    """Now, because the event names the ids of new tiers."""
    with enforced_by(CATEGORY_EXISTS, UnknownCategory):
        await session.flush()


def _as_it_is(kind: type[E], service: Service) -> E:
    tiers = [Tier.of(tier, version=service.version, active=tier.is_offered) for tier in service.tiers]
    return kind.of(service, active=service.is_offered, tiers=tiers)
