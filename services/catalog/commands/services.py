"""What happens to an offer: a service with its tiers."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.catalog import OfferChanged, OfferEvent, OfferPublished, OfferWithdrawn, Tier
from shared.outbox import record

from ..domain.order import must_name_each_once
from ..domain.service import MAX_SERVICES, Service, TooManyServices
from ..queries.affiliates import affiliate_for
from ..queries.categories import category_named
from ..queries.services import count_and_next_position, service_for, services_of
from ..schemas.services import ServiceChangeRequest, ServiceRequest

E = TypeVar("E", bound=OfferEvent)


async def publish_service(session: AsyncSession, actor: Actor, affiliate_id: int, wanted: ServiceRequest) -> Service:
    """Offers may be made before the affiliate is approved; nobody sees them until then."""
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_run_by(actor)
    count, position = await count_and_next_position(session, affiliate_id)
    if count >= MAX_SERVICES:
        raise TooManyServices
    (await category_named(session, wanted.category)).must_take_new()
    service = Service.publish(
        affiliate_id,
        wanted.category,
        wanted.name,
        wanted.description,
        [tier.draft() for tier in wanted.tiers],
        active=wanted.active,
        position=position,
        photo_urls=wanted.photo_urls,
    )
    await announce_new(session, service)
    return service


async def revise_service(
    session: AsyncSession, actor: Actor, service_id: int, version: int | None, wanted: ServiceChangeRequest
) -> Service:
    service = await _load(session, actor, service_id, version)
    if wanted.category != service.category:
        (await category_named(session, wanted.category)).must_take_new()
    drafts = [tier.draft() for tier in wanted.tiers]
    if service.revise(wanted.category, wanted.name, wanted.description, drafts, active=wanted.active, at=now()):
        await announce_change(session, service)
    return service


async def switch_service(
    session: AsyncSession, actor: Actor, service_id: int, version: int | None, *, active: bool
) -> Service:
    service = await _load(session, actor, service_id, version)
    if service.switch(active=active):
        await announce_change(session, service)
    return service


async def switch_tier(
    session: AsyncSession, actor: Actor, service_id: int, tier_id: int, version: int | None, *, active: bool
) -> Service:
    service = await _load(session, actor, service_id, version)
    if service.switch_tier(tier_id, active=active):
        await announce_change(session, service)
    return service


async def show_photos(
    session: AsyncSession, actor: Actor, service_id: int, version: int | None, urls: Sequence[str]
) -> Service:
    service = await _load(session, actor, service_id, version)
    if service.show(urls):
        await announce_change(session, service)
    return service


async def order_services(
    session: AsyncSession, actor: Actor, affiliate_id: int, service_ids: Sequence[int]
) -> Sequence[Service]:
    """Under the affiliate's lock, as services are published: none comes in between."""
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_run_by(actor)
    known = {service.id: service for service in await services_of(session, affiliate_id, lock=True)}
    must_name_each_once(service_ids, known)
    ordered = [known[service_id] for service_id in service_ids]
    for position, service in enumerate(ordered):
        if service.move(position):
            await announce_change(session, service)
    return ordered


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


async def announce_new(session: AsyncSession, service: Service) -> None:
    """Stored first: the event names its id and those of its tiers."""
    session.add(service)
    await session.flush()
    record(session, _as_it_is(OfferPublished, service))


async def announce_change(session: AsyncSession, service: Service) -> None:
    """Stored first: the event names the ids of new tiers."""
    await session.flush()
    record(session, _as_it_is(OfferChanged, service))


def _as_it_is(kind: type[E], service: Service) -> E:
    tiers = [Tier.of(tier, version=service.version, active=tier.is_offered) for tier in service.tiers]
    return kind.of(service, active=service.is_offered, tiers=tiers)
