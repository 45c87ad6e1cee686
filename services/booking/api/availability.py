"""HTTP: when affiliates work."""

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.http import PathId
from shared.http import router as new_router

from ..commands import availability as commands
from ..queries.slots import availability_of
from ..schemas.availability import AvailabilityRequest, AvailabilityView

router = new_router("booking", "booking")


@router.put("/affiliates/{affiliate_id}/availability", response_model=AvailabilityView)
async def set_availability(
    affiliate_id: PathId, wanted: AvailabilityRequest, actor: CurrentActor, session: Session
) -> AvailabilityView:
    """Replace the weekly windows, in the affiliate's local time."""
    await commands.set_availability(session, actor, affiliate_id, wanted)
    return await availability_of(session, affiliate_id)


@router.get("/affiliates/{affiliate_id}/availability", response_model=AvailabilityView)
async def availability(affiliate_id: PathId, session: ReadSession) -> AvailabilityView:
    """The weekly windows, in the affiliate's local time."""
    return await availability_of(session, affiliate_id)
