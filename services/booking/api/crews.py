"""HTTP: the crews of an affiliate. What it can do at once is how many it has."""

from fastapi import Response

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.http import IfMatch, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import crews as commands
from ..domain.availability import Crew
from ..queries.availability import crews_of, must_be_of_the_house
from ..schemas.crews import CrewRequest, CrewView

router = new_router("booking", "crews", "/affiliates/{affiliate_id}/crews")


@router.get("", response_model=PageView[CrewView])
async def crews(affiliate_id: PathId, actor: CurrentActor, session: ReadSession) -> PageView[CrewView]:
    """All of them, in the order in which they are sent out; for the team and staff."""
    await must_be_of_the_house(session, actor, affiliate_id)
    found = await crews_of(session, affiliate_id)
    return PageView(items=[CrewView.model_validate(crew) for crew in found])


@router.post("", response_model=CrewView, status_code=201, dependencies=[Idempotent])
async def add_crew(
    affiliate_id: PathId, wanted: CrewRequest, actor: CurrentActor, session: Session, response: Response
) -> Crew:
    """One more that can be sent out."""
    crew = await commands.add_crew(session, actor, affiliate_id, wanted)
    tag(response, crew.version)
    return crew


@router.put("/{crew_id}", response_model=CrewView)
async def change_crew(
    affiliate_id: PathId,
    crew_id: PathId,
    wanted: CrewRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Crew:
    """Replace all that is said of it. Bookings that stand keep their times."""
    crew = await commands.change_crew(session, actor, affiliate_id, crew_id, version, wanted)
    tag(response, crew.version)
    return crew


@router.post("/{crew_id}/deactivate", response_model=CrewView, dependencies=[Idempotent])
async def deactivate_crew(
    affiliate_id: PathId, crew_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> Crew:
    """Give it no more jobs; those that it has it keeps. Never the last one."""
    crew = await commands.send_out_crew(session, actor, affiliate_id, crew_id, version, active=False)
    tag(response, crew.version)
    return crew


@router.post("/{crew_id}/activate", response_model=CrewView, dependencies=[Idempotent])
async def activate_crew(
    affiliate_id: PathId, crew_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> Crew:
    """Send it out again."""
    crew = await commands.send_out_crew(session, actor, affiliate_id, crew_id, version, active=True)
    tag(response, crew.version)
    return crew
