"""HTTP: standing orders."""

from typing import Annotated

from fastapi import Path, Response

from shared.auth import CurrentActor, CurrentCustomer, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, Day, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import series as commands
from ..commands import visits as visiting
from ..domain.booking import Booking
from ..domain.series import Series, SeriesStatus
from ..queries.series import bookings_of_visits, days_seen_to, series_for, series_of, visits_of
from ..schemas.bookings import BookingView
from ..schemas.series import (
    SeriesChangeRequest,
    SeriesEndRequest,
    SeriesRequest,
    SeriesView,
    VisitRequest,
    VisitsView,
    VisitView,
    planned,
    series_view,
    visit_view,
)

router = new_router("booking", "booking", "/series")
VisitDay = Annotated[Day, Path(description="its day by the rhythm of the series, as YYYY-MM-DD")]


@router.post("", response_model=SeriesView, status_code=201, dependencies=[Idempotent])
async def start_series(
    wanted: SeriesRequest, actor: CurrentCustomer, session: Session, response: Response
) -> SeriesView:
    """Have the same done every so many weeks. Each visit is booked by itself, some weeks ahead, at the price of that
    day, and paid as any booking; a time that cannot be had is told, with others that are free."""
    return _begun(response, await commands.start_series(session, actor, wanted), actor)


@router.get("", response_model=PageView[SeriesView])
async def all_series(
    actor: CurrentActor, session: ReadSession, page: CurrentPage, status: SeriesStatus | None = None
) -> Paged[SeriesView]:
    """One's own series, latest first; staff see all."""
    found = await series_of(session, actor, page, status)
    return Paged([series_view(series, actor) for series in found.items], found.next)


@router.get("/{series_id}", response_model=SeriesView)
async def series(series_id: PathId, actor: CurrentActor, session: ReadSession, response: Response) -> SeriesView:
    return _shown(response, await series_for(session, actor, series_id), actor)


@router.post("/{series_id}/change", response_model=SeriesView, status_code=201, dependencies=[InPerson, Idempotent])
async def change_series(
    series_id: PathId,
    wanted: SeriesChangeRequest,
    actor: CurrentCustomer,
    session: Session,
    version: IfMatch,
    response: Response,
) -> SeriesView:
    """Want something else from a day on: another series, which is answered, follows this one."""
    return _begun(response, await commands.change_series(session, actor, series_id, version, wanted), actor)


@router.post("/{series_id}/pause", response_model=SeriesView, dependencies=[Idempotent])
async def pause_series(
    series_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> SeriesView:
    """Have no further visits booked for a while; those that are stay. By its customer."""
    return _shown(response, await commands.pause_series(session, actor, series_id, version), actor)


@router.post("/{series_id}/resume", response_model=SeriesView, dependencies=[Idempotent])
async def resume_series(
    series_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> SeriesView:
    """Go on in the same rhythm, from tomorrow. By its customer."""
    return _shown(response, await commands.resume_series(session, actor, series_id, version), actor)


@router.post("/{series_id}/end", response_model=SeriesView, dependencies=[InPerson, Idempotent])
async def end_series(
    series_id: PathId,
    wanted: SeriesEndRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> SeriesView:
    """End it, now or from a day on; by its customer, and by those who run the affiliate. Unpaid visits are let go."""
    return _shown(response, await commands.end_series(session, actor, series_id, version, wanted), actor)


@router.get("/{series_id}/visits", response_model=VisitsView)
async def visits(series_id: PathId, actor: CurrentActor, session: ReadSession, page: CurrentPage) -> VisitsView:
    """What became of each of its days, the last one first; and the next that are planned."""
    found = await series_for(session, actor, series_id)
    seen_to = await visits_of(session, found, page)
    bookings = await bookings_of_visits(session, seen_to.items)
    return VisitsView(
        items=[visit_view(visit, bookings.get(visit.booking_id or 0)) for visit in seen_to.items],
        next=seen_to.next,
        planned=planned(found, await days_seen_to(session, found)),
    )


@router.post("/{series_id}/visits/{on_date}/skip", response_model=VisitView, dependencies=[Idempotent])
async def skip_visit(
    series_id: PathId, on_date: VisitDay, actor: CurrentActor, session: Session, version: IfMatch
) -> VisitView:
    """Leave out one that is not booked yet; by its customer. One that is booked is cancelled as any booking."""
    return visit_view(await visiting.skip_visit(session, actor, series_id, version, on_date), None)


@router.post(
    "/{series_id}/visits/{on_date}/take", response_model=BookingView, status_code=201, dependencies=[Idempotent]
)
async def take_visit(
    series_id: PathId,
    on_date: VisitDay,
    wanted: VisitRequest,
    actor: CurrentCustomer,
    session: Session,
    response: Response,
) -> Booking:
    """Take another time for a visit that was missed, left out or not paid: held for some minutes, as any slot is."""
    booking = await visiting.take_visit(session, actor, series_id, on_date, wanted)
    response.headers["Location"] = f"/booking/v1/bookings/{booking.id}"
    tag(response, booking.version)
    return booking


def _begun(response: Response, series: Series, actor: CurrentActor) -> SeriesView:
    response.headers["Location"] = f"/booking/v1/series/{series.id}"
    return _shown(response, series, actor)


def _shown(response: Response, series: Series, actor: CurrentActor) -> SeriesView:
    tag(response, series.version)
    return series_view(series, actor)
