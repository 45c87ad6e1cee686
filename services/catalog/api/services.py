"""Publishing, revising, withdrawing and reading offers."""

from fastapi import Request, Response

from shared.auth import CurrentActor, InPerson, Visitor
from shared.db import ReadSession, Session
from shared.http import IfMatch, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import services as commands
from ..domain.service import Service
from ..queries.affiliates import affiliate_for
from ..queries.services import service_for, services_of
from ..schemas.services import (
    ActiveRequest,
    OfferView,
    PhotosRequest,
    ServiceChangeRequest,
    ServiceRequest,
    ServicesOrderRequest,
    ServicesView,
    ServiceView,
)
from .caching import public

router = new_router("catalog", "services")


@router.post(
    "/affiliates/{affiliate_id}/services",
    response_model=ServiceView,
    status_code=201,
    dependencies=[InPerson, Idempotent],
)
async def publish_service(
    affiliate_id: PathId, wanted: ServiceRequest, actor: CurrentActor, session: Session, response: Response
) -> Service:
    """A service with its tiers, by the affiliate's owner and managers."""
    service = await commands.publish_service(session, actor, affiliate_id, wanted)
    response.headers["Location"] = f"/catalog/v1/services/{service.id}"
    tag(response, service.version)
    return service


@router.get("/affiliates/{affiliate_id}/services", response_model=ServicesView)
async def services(
    affiliate_id: PathId, request: Request, visitor: Visitor, session: ReadSession
) -> Response | ServicesView:
    """What an affiliate offers; its own people and the staff also see what is not offered at present."""
    affiliate = await affiliate_for(session, visitor, affiliate_id)
    if affiliate.is_known_to(visitor):
        found = await services_of(session, affiliate_id, offered_only=False)
        return ServicesView(items=[ServiceView.model_validate(service) for service in found])
    offered = await services_of(session, affiliate_id, offered_only=True)
    return public(request, ServicesView(items=[OfferView.model_validate(service) for service in offered]))


@router.put("/affiliates/{affiliate_id}/services/order", response_model=ServicesView)
async def order_services(
    affiliate_id: PathId, wanted: ServicesOrderRequest, actor: CurrentActor, session: Session
) -> ServicesView:
    """The order in which they are shown: all of them, each once."""
    ordered = await commands.order_services(session, actor, affiliate_id, wanted.service_ids)
    return ServicesView(items=[ServiceView.model_validate(service) for service in ordered])


@router.get("/services/{service_id}", response_model=ServiceView | OfferView)
async def service(
    service_id: PathId, visitor: Visitor, session: ReadSession, response: Response
) -> ServiceView | OfferView:
    found, affiliate = await service_for(session, visitor, service_id)
    tag(response, found.version)
    response.headers["Vary"] = "Authorization"
    return (ServiceView if affiliate.is_known_to(visitor) else OfferView).model_validate(found)


@router.put("/services/{service_id}", response_model=ServiceView, dependencies=[InPerson])
async def revise_service(
    service_id: PathId,
    wanted: ServiceChangeRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Service:
    """Replace all of it. Tiers sent with their id stay themselves, those not sent are offered no more."""
    revised = await commands.revise_service(session, actor, service_id, version, wanted)
    tag(response, revised.version)
    return revised


@router.put("/services/{service_id}/active", response_model=ServiceView)
async def switch_service(
    service_id: PathId,
    wanted: ActiveRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Service:
    """Offer it, or not at present. Appointments that stand are kept."""
    switched = await commands.switch_service(session, actor, service_id, version, active=wanted.active)
    tag(response, switched.version)
    return switched


@router.put("/services/{service_id}/tiers/{tier_id}/active", response_model=ServiceView)
async def switch_tier(
    service_id: PathId,
    tier_id: PathId,
    wanted: ActiveRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Service:
    """Offer one tier, or not at present; the version is the service's."""
    switched = await commands.switch_tier(session, actor, service_id, tier_id, version, active=wanted.active)
    tag(response, switched.version)
    return switched


@router.put("/services/{service_id}/photos", response_model=ServiceView)
async def show_photos(
    service_id: PathId,
    wanted: PhotosRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Service:
    """Replace its photos, in their order."""
    changed = await commands.show_photos(session, actor, service_id, version, wanted.photo_urls)
    tag(response, changed.version)
    return changed


@router.delete("/services/{service_id}", status_code=204)
async def withdraw_service(service_id: PathId, actor: CurrentActor, session: Session, version: IfMatch) -> None:
    """Offer it no more, for good; to offer it again some day, deactivate it. Appointments that stand are kept."""
    await commands.withdraw_service(session, actor, service_id, version)
