"""HTTP of booking."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Response

from shared.auth import CurrentActor, CurrentCustomer, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, QueryId, QueryIds, days, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from . import commands
from .domain.booking import Booking, Status
from .queries.bookings import booking_for, bookings_of
from .queries.slots import availability_of, slots_of
from .schemas import (
    AvailabilityRequest,
    AvailabilityView,
    BookingRequest,
    BookingView,
    CancelRequest,
    SlotsView,
    view_of,
)

router = new_router("booking", "booking")


@router.get("/slots", response_model=SlotsView)
async def slots(
    session: ReadSession, tier_id: QueryId, asked: Annotated[tuple[date, date], days(31)], add_on_ids: QueryIds
) -> SlotsView:
    """Times that can be booked, by the affiliate's local days, both ends included; long enough for these add-ons, too.
    `price_cents` is the tier's: a price check says what the job costs."""
    first, last = asked
    every_day = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return await slots_of(session, tier_id, every_day, add_on_ids)


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


@router.post("/bookings", response_model=BookingView, status_code=201, dependencies=[Idempotent])
async def take_slot(wanted: BookingRequest, actor: CurrentCustomer, session: Session, response: Response) -> Booking:
    """Take a slot. It is held for some minutes; paying confirms it."""
    booking = await commands.take_slot(session, actor, wanted)
    response.headers["Location"] = f"/booking/v1/bookings/{booking.id}"
    tag(response, booking.version)
    return booking


@router.get("/bookings", response_model=PageView[BookingView])
async def bookings(
    actor: CurrentActor, session: ReadSession, page: CurrentPage, status: Status | None = None
) -> Paged[BookingView]:
    """One's own bookings, latest appointment first; staff see all."""
    found = await bookings_of(session, actor, page, status)
    return Paged([view_of(booking, actor) for booking in found.items], found.next)


@router.get("/bookings/{booking_id}", response_model=BookingView)
async def booking(booking_id: PathId, actor: CurrentActor, session: ReadSession, response: Response) -> BookingView:
    found = await booking_for(session, actor, booking_id)
    tag(response, found.version)
    return view_of(found, actor)


@router.post("/bookings/{booking_id}/cancel", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def cancel_booking(
    booking_id: PathId,
    wanted: CancelRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> BookingView:
    """Cancel. Free until `free_until`; after that a customer pays the fee named in the booking."""
    cancelled = await commands.cancel_booking(session, actor, booking_id, version, wanted.reason)
    tag(response, cancelled.version)
    return view_of(cancelled, actor)


@router.post("/bookings/{booking_id}/complete", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def complete_booking(
    booking_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> Booking:
    """Say that the job is done; by the affiliate's team, from an hour before it was to begin."""
    completed = await commands.complete_booking(session, actor, booking_id, version)
    tag(response, completed.version)
    return completed
