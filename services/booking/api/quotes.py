"""HTTP: quotes, and what is said about them."""

from uuid import UUID

from fastapi import Response

from shared.auth import CurrentActor, CurrentCustomer, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import quotes as commands
from ..domain.booking import Booking
from ..domain.quote import QuoteMessage
from ..domain.quote_life import QuoteStatus
from ..queries.quotes import messages_of, quote_for, quotes_of
from ..schemas.bookings import BookingView
from ..schemas.quotes import (
    AcceptRequest,
    MessageRequest,
    MessageView,
    QuoteEndRequest,
    QuotePriceRequest,
    QuoteRequest,
    QuoteRequestView,
    QuoteView,
    quote_view,
)

router = new_router("booking", "booking", "/quotes")


@router.post("", response_model=QuoteRequestView, status_code=201, dependencies=[Idempotent])
async def request_quotes(wanted: QuoteRequest, actor: CurrentCustomer, session: Session) -> QuoteRequestView:
    """Ask up to five affiliates for a price, each for a tier of theirs. Who accepts one closes the others."""
    quotes = [quote_view(quote, actor) for quote in await commands.request_quotes(session, actor, wanted)]
    return QuoteRequestView(request_id=quotes[0].request_id, customer_id=quotes[0].customer_id, quotes=quotes)


@router.get("", response_model=PageView[QuoteView])
async def quotes(
    actor: CurrentActor,
    session: ReadSession,
    page: CurrentPage,
    status: QuoteStatus | None = None,
    request_id: UUID | None = None,
) -> Paged[QuoteView]:
    """One's own quotes, latest first; staff see all."""
    found = await quotes_of(session, actor, page, status, request_id)
    return Paged([quote_view(quote, actor) for quote in found.items], found.next)


@router.get("/{quote_id}", response_model=QuoteView)
async def quote(quote_id: PathId, actor: CurrentActor, session: ReadSession, response: Response) -> QuoteView:
    found, _ = await quote_for(session, actor, quote_id)
    tag(response, found.version)
    return quote_view(found, actor)


@router.post("/{quote_id}/price", response_model=QuoteView, dependencies=[InPerson, Idempotent])
async def price_quote(
    quote_id: PathId,
    wanted: QuotePriceRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> QuoteView:
    """Name a price, or a new one until it is accepted; by those who run the affiliate. The tax is added to it."""
    priced = await commands.price_quote(session, actor, quote_id, version, wanted)
    tag(response, priced.version)
    return quote_view(priced, actor)


@router.post("/{quote_id}/decline", response_model=QuoteView, dependencies=[InPerson, Idempotent])
async def decline_quote(
    quote_id: PathId,
    wanted: QuoteEndRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> QuoteView:
    """Say no; by those who run the affiliate."""
    declined = await commands.decline_quote(session, actor, quote_id, version, wanted.reason)
    tag(response, declined.version)
    return quote_view(declined, actor)


@router.post("/{quote_id}/withdraw", response_model=QuoteView, dependencies=[Idempotent])
async def withdraw_quote(
    quote_id: PathId,
    wanted: QuoteEndRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> QuoteView:
    """Ask no longer; by the customer."""
    withdrawn = await commands.withdraw_quote(session, actor, quote_id, version, wanted.reason)
    tag(response, withdrawn.version)
    return quote_view(withdrawn, actor)


@router.post("/{quote_id}/accept", response_model=BookingView, status_code=201, dependencies=[Idempotent])
async def accept_quote(
    quote_id: PathId,
    wanted: AcceptRequest,
    actor: CurrentCustomer,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Booking:
    """Take a slot at the quote's price. It is held for some minutes; paying confirms it. The others are closed."""
    booking = await commands.accept_quote(session, actor, quote_id, version, wanted)
    response.headers["Location"] = f"/booking/v1/bookings/{booking.id}"
    tag(response, booking.version)
    return booking


@router.get("/{quote_id}/messages", response_model=PageView[MessageView])
async def messages(
    quote_id: PathId, actor: CurrentActor, session: ReadSession, page: CurrentPage
) -> Paged[QuoteMessage]:
    """What was said about a quote, oldest first."""
    found, _ = await quote_for(session, actor, quote_id)
    return await messages_of(session, found, page)


@router.post("/{quote_id}/messages", response_model=MessageView, status_code=201, dependencies=[InPerson, Idempotent])
async def write_message(
    quote_id: PathId, wanted: MessageRequest, actor: CurrentActor, session: Session
) -> QuoteMessage:
    """Say something to the other side, who is told of it: by the customer and by all who work for the affiliate."""
    return await commands.write_message(session, actor, quote_id, wanted)
