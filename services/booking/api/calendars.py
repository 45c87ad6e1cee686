"""HTTP: calendars of others that keep crews busy."""

from typing import Annotated

from fastapi import Depends, Request, Response

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.http import PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent
from shared.tasks import Outside

from ..clients import Calendars
from ..commands import calendars as commands
from ..queries.calendars import calendars_of
from ..schemas.calendars import CalendarRequest, CalendarsView, CalendarView, view_of

router = new_router("booking", "booking", prefix="/affiliates/{affiliate_id}/calendars")


def _calendars(request: Request) -> Calendars:
    return Outside(request.app.state.database, request.app.state.clients).client(Calendars)


@router.get("", response_model=CalendarsView)
async def calendars(affiliate_id: PathId, actor: CurrentActor, session: ReadSession) -> CalendarsView:
    """External calendars of an affiliate's crews, at most ten, and whether they could be read; for its team and staff.

    Where they are is told by host only.
    """
    return CalendarsView(items=[view_of(one) for one in await calendars_of(session, actor, affiliate_id)])


@router.post("", response_model=CalendarView, status_code=201, dependencies=[Idempotent])
async def connect_calendar(
    affiliate_id: PathId,
    wanted: CalendarRequest,
    actor: CurrentActor,
    session: Session,
    client: Annotated[Calendars, Depends(_calendars)],
    response: Response,
) -> CalendarView:
    """Connect a calendar: when it is busy, the crew cannot be booked. It is read within seconds, then every quarter of
    an hour."""
    client.must_be_an_address(wanted.url)
    calendar = await commands.connect_calendar(session, actor, affiliate_id, wanted)
    tag(response, calendar.version)
    return view_of(calendar)


@router.delete("/{calendar_id}", status_code=204)
async def remove_calendar(affiliate_id: PathId, calendar_id: PathId, actor: CurrentActor, session: Session) -> None:
    """Remove a calendar: what it kept busy can be booked again."""
    await commands.remove_calendar(session, actor, affiliate_id, calendar_id)


@router.post("/{calendar_id}/fetch", response_model=CalendarView, status_code=202, dependencies=[Idempotent])
async def fetch_calendar(
    affiliate_id: PathId, calendar_id: PathId, actor: CurrentActor, session: Session
) -> CalendarView:
    """Have it read within seconds; `fetched_at` says when it was. At most once a minute."""
    return view_of(await commands.read_now(session, actor, affiliate_id, calendar_id))
