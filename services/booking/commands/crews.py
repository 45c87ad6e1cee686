"""What can be sent out."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.booking import CrewChanged
from shared.outbox import record

from ..domain.availability import MOST_CREWS, Crew, LastCrew, TooManyCrews
from ..queries.availability import crew_of, crews_of, schedule_to_change
from ..schemas.crews import CrewRequest
from .free_days import note_schedule_change


async def add_crew(session: AsyncSession, actor: Actor, affiliate_id: int, wanted: CrewRequest) -> Crew:
    await schedule_to_change(session, actor, affiliate_id)
    if len(await crews_of(session, affiliate_id)) >= MOST_CREWS:
        raise TooManyCrews(most=MOST_CREWS)
    crew = Crew(affiliate_id=affiliate_id, **wanted.terms())
    session.add(crew)
    return await _tell(session, crew)


async def change_crew(
    session: AsyncSession, actor: Actor, affiliate_id: int, crew_id: int, version: int | None, wanted: CrewRequest
) -> Crew:
    """Bookings that stand keep their times."""
    crew = await _load(session, actor, affiliate_id, crew_id, version)
    crew.change(wanted.terms())
    return await _tell(session, crew)


async def send_out_crew(
    session: AsyncSession, actor: Actor, affiliate_id: int, crew_id: int, version: int | None, *, active: bool
) -> Crew:
    """Whether it gets new jobs; one crew of an affiliate always does."""
    crew = await _load(session, actor, affiliate_id, crew_id, version)
    others = [other for other in await crews_of(session, affiliate_id) if other.active and other is not crew]
    if not active and not others:
        raise LastCrew
    if crew.active == active:
        return crew
    crew.send_out(active=active)
    return await _tell(session, crew)


async def _load(session: AsyncSession, actor: Actor, affiliate_id: int, crew_id: int, version: int | None) -> Crew:
    await schedule_to_change(session, actor, affiliate_id)
    crew = await crew_of(session, affiliate_id, crew_id)
    crew.expect(version)
    return crew


async def _tell(session: AsyncSession, crew: Crew) -> Crew:
    await session.flush()
    record(session, CrewChanged.of(crew))
    await note_schedule_change(session, crew.affiliate_id)
    return crew
