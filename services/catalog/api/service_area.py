"""Where an affiliate comes to."""

from fastapi import Response

from shared.auth import CurrentActor, Visitor
from shared.db import ReadSession, Session
from shared.http import IfMatch, PathId, tag
from shared.http import router as new_router

from ..commands import service_area as commands
from ..domain.affiliate import Affiliate
from ..queries.affiliates import affiliate_for
from ..schemas.service_area import ServiceAreaRequest, ServiceAreaView

router = new_router("catalog", "service area", "/affiliates/{affiliate_id}/service-area")


@router.get("", response_model=ServiceAreaView)
async def service_area(affiliate_id: PathId, visitor: Visitor, session: ReadSession, response: Response) -> Affiliate:
    """Where an affiliate comes to: public as it is itself."""
    found = await affiliate_for(session, visitor, affiliate_id, with_area=True)
    tag(response, found.version)
    response.headers["Vary"] = "Authorization"
    return found


@router.put("", response_model=ServiceAreaView)
async def set_service_area(
    affiliate_id: PathId,
    wanted: ServiceAreaRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Affiliate:
    """By the affiliate's owner and managers. Appointments that stand are kept."""
    changed = await commands.set_service_area(session, actor, affiliate_id, version, wanted)
    tag(response, changed.version)
    return changed
