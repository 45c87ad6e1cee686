"""HTTP: appointments."""

from typing import Annotated

from fastapi import Depends, Response

from shared.auth import CurrentActor, CurrentCustomer, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import bookings as commands
from ..commands import extras, holding, requests, rescheduling
from ..domain.booking import Booking
from ..domain.life import Status
from ..queries.bookings import booking_for, bookings_of, rivals_of
from ..schemas.bookings import (
    BookingRequest,
    BookingView,
    CancelRequest,
    CompletionRequest,
    DepartureRequest,
    ExtrasAnswer,
    ExtrasRequest,
    ProposalRequest,
    RescheduleRequest,
    view_of,
)

router = new_router("booking", "booking")


class Act:
    """What somebody does to one booking, at the version that they saw; the answer bears the one that it has then."""

    def __init__(
        self, booking_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
    ) -> None:
        self.upon = session, actor, booking_id, version
        self._actor, self._response = actor, response

    def shows(self, booking: Booking) -> BookingView:
        tag(self._response, booking.version)
        return view_of(booking, self._actor)


CurrentAct = Annotated[Act, Depends(Act)]


@router.post("/bookings", response_model=BookingView, status_code=201, dependencies=[Idempotent])
async def take_slot(wanted: BookingRequest, actor: CurrentCustomer, session: Session, response: Response) -> Booking:
    """Take a slot: it is held for some minutes, and paying confirms it. Who says yes first is only asked for it."""
    booking = await holding.take_slot(session, actor, wanted)
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
async def cancel_booking(wanted: CancelRequest, act: CurrentAct) -> BookingView:
    """Cancel. Free until `free_until`; after that a customer pays the fee named in the booking."""
    return act.shows(await commands.cancel_booking(*act.upon, wanted.reason))


@router.get("/bookings/{booking_id}/rivals", response_model=PageView[BookingView])
async def rivals(booking_id: PathId, actor: CurrentActor, session: ReadSession) -> Paged[BookingView]:
    """Other open requests for a time that overlaps; for the affiliate's team and staff."""
    found = await booking_for(session, actor, booking_id)
    found.must_not_be_of(actor)
    return Paged([view_of(other, actor) for other in await rivals_of(session, found)], None)


@router.post("/bookings/{booking_id}/accept", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def accept_request(act: CurrentAct) -> BookingView:
    """Give the time to this request: it is held until it is paid. By the affiliate's owner and managers."""
    return act.shows(await requests.accept_request(*act.upon))


@router.post("/bookings/{booking_id}/decline", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def decline_request(wanted: CancelRequest, act: CurrentAct) -> BookingView:
    """Say no to a request; its customer is told other times."""
    return act.shows(await requests.decline_request(*act.upon, wanted.reason))


@router.post("/bookings/{booking_id}/reschedule", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def reschedule_booking(wanted: RescheduleRequest, act: CurrentAct) -> BookingView:
    """Move it, by its customer: until it can be cancelled for nothing, or to the time that the affiliate proposes."""
    return act.shows(await rescheduling.reschedule_booking(*act.upon, wanted))


@router.post("/bookings/{booking_id}/propose", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def propose_time(wanted: ProposalRequest, act: CurrentAct) -> BookingView:
    """Ask the customer to move it to a time that is free now; by the affiliate's owner and managers."""
    return act.shows(await rescheduling.propose_time(*act.upon, wanted))


@router.post("/bookings/{booking_id}/extras", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def offer_extras(wanted: ExtrasRequest, act: CurrentAct) -> BookingView:
    """Offer to do more, for more; by the affiliate's team, from an hour before it begins until it is completed."""
    return act.shows(await extras.offer_extras(*act.upon, wanted))


@router.post("/bookings/{booking_id}/extras/agree", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def agree_extras(wanted: ExtrasAnswer, act: CurrentAct) -> BookingView:
    """Have them done, at what one saw: they are charged on top; by the customer."""
    return act.shows(await extras.agree_extras(*act.upon, wanted))


@router.post("/bookings/{booking_id}/extras/drop", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def drop_extras(act: CurrentAct) -> BookingView:
    """Leave it at what was booked; by the customer, or by the team that offered more."""
    return act.shows(await extras.drop_extras(*act.upon))


@router.post("/bookings/{booking_id}/set-out", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def set_out(wanted: DepartureRequest, act: CurrentAct) -> BookingView:
    """Say that the crew is on its way, and when it means to be there; from twelve hours before."""
    return act.shows(await commands.set_out(*act.upon, wanted))


@router.post("/bookings/{booking_id}/start", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def start_job(act: CurrentAct) -> BookingView:
    """Say that the crew has begun; from an hour before it was to."""
    return act.shows(await commands.start_job(*act.upon))


@router.post("/bookings/{booking_id}/complete", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def complete_booking(wanted: CompletionRequest, act: CurrentAct) -> BookingView:
    """Say that the job is done, with photos and notes; by the affiliate's team, from an hour before it was to begin."""
    return act.shows(await commands.complete_booking(*act.upon, wanted))


@router.post("/bookings/{booking_id}/no-show", response_model=BookingView, dependencies=[InPerson, Idempotent])
async def miss_customer(act: CurrentAct) -> BookingView:
    """Say that nobody was there, from 15 minutes after it was to begin: the customer pays the fee that the booking
    names, and the rest goes back."""
    return act.shows(await commands.miss_customer(*act.upon))
