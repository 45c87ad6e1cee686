"""HTTP: when affiliates work, and how they may be booked."""

from fastapi import Response

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.http import IfMatch, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import availability as commands
from ..domain.exceptions import AvailabilityException
from ..domain.schedule_settings import ScheduleSettings
from ..queries.availability import availability_of, exceptions_ahead, must_be_of_the_house, settings_of
from ..queries.offers import get_affiliate
from ..schemas.availability import AvailabilityRequest, AvailabilityView
from ..schemas.exceptions import ExceptionRequest, ExceptionView
from ..schemas.schedule_settings import ScheduleSettingsRequest, ScheduleSettingsView

router = new_router("booking", "availability", "/affiliates/{affiliate_id}")


@router.put("/availability", response_model=AvailabilityView)
async def set_availability(
    affiliate_id: PathId, wanted: AvailabilityRequest, actor: CurrentActor, session: Session
) -> AvailabilityView:
    """Replace the weekly windows, in the affiliate's local time."""
    await commands.set_availability(session, actor, affiliate_id, wanted)
    return await availability_of(session, affiliate_id)


@router.get("/availability", response_model=AvailabilityView)
async def availability(affiliate_id: PathId, session: ReadSession) -> AvailabilityView:
    """The weekly windows, in the affiliate's local time."""
    return await availability_of(session, affiliate_id)


@router.put("/schedule-settings", response_model=ScheduleSettingsView)
async def set_schedule_settings(
    affiliate_id: PathId,
    wanted: ScheduleSettingsRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> ScheduleSettings:
    """Replace what is said of how it may be booked."""
    settings = await commands.set_schedule_settings(session, actor, affiliate_id, version, wanted)
    tag(response, settings.version)
    return settings


@router.get("/schedule-settings", response_model=ScheduleSettingsView)
async def schedule_settings(affiliate_id: PathId, session: ReadSession, response: Response) -> ScheduleSettings:
    """How it may be booked: how often a slot begins, how soon, how far ahead, and whether it is asked first."""
    await get_affiliate(session, affiliate_id)
    settings = await settings_of(session, affiliate_id)
    tag(response, settings.version)
    return settings


@router.get("/exceptions", response_model=PageView[ExceptionView])
async def exceptions(affiliate_id: PathId, actor: CurrentActor, session: ReadSession) -> PageView[ExceptionView]:
    """Those that are not over, in their order; for the team and staff."""
    await must_be_of_the_house(session, actor, affiliate_id)
    found = await exceptions_ahead(session, affiliate_id)
    return PageView(items=[ExceptionView.model_validate(exception) for exception in found])


@router.post("/exceptions", response_model=ExceptionView, status_code=201, dependencies=[Idempotent])
async def add_exception(
    affiliate_id: PathId, wanted: ExceptionRequest, actor: CurrentActor, session: Session
) -> AvailabilityException:
    """Close, go on vacation, or work extra hours. Bookings that stand are kept."""
    return await commands.add_exception(session, actor, affiliate_id, wanted)


@router.delete("/exceptions/{exception_id}", status_code=204)
async def remove_exception(affiliate_id: PathId, exception_id: PathId, actor: CurrentActor, session: Session) -> None:
    """As if it had never been said."""
    await commands.remove_exception(session, actor, affiliate_id, exception_id)
