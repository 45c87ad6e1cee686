"""HTTP: calendars that others subscribe to."""

import asyncio
from typing import Annotated

from fastapi import Depends, Request, Response

from shared.auth import CurrentActor, InPerson
from shared.clock import now
from shared.db import ReadSession, Session
from shared.http import CurrentPage, Paged, PageView, PathId
from shared.http import router as new_router

from ..commands import feeds as commands
from ..domain.feeds import CalendarFeed, host_of
from ..queries.feeds import contents_at, feeds_of
from ..schemas.feeds import FeedRequest, FeedView, NewFeedView

router = new_router("booking", "booking")
KEPT_BY_READERS = "private, no-cache"  # kept by whoever asked, and asked for again by its tag


def _public_url(request: Request) -> str:
    return str(request.app.state.settings.public_url).rstrip("/")


PublicUrl = Annotated[str, Depends(_public_url)]


@router.get("/feeds", response_model=PageView[FeedView])
async def feeds(actor: CurrentActor, session: ReadSession, page: CurrentPage) -> Paged[CalendarFeed]:
    """One's own, and those of the affiliates that one runs. Where they are is told to nobody again."""
    return await feeds_of(session, actor, page)


@router.post("/feeds", response_model=NewFeedView, status_code=201, dependencies=[InPerson])
async def make_feed(
    wanted: FeedRequest, actor: CurrentActor, session: Session, public_url: PublicUrl, response: Response
) -> NewFeedView:
    """The address of a calendar to subscribe to: one's own as a customer, an affiliate's or a crew's for its owner and
    managers. Asked for again, the address is another, and the one before leads nowhere."""
    feed, token = await commands.make_feed(session, actor, wanted)
    response.headers["Cache-Control"] = "no-store"
    shown = FeedView.model_validate(feed).model_dump()
    return NewFeedView(**shown, url=f"{public_url}/booking/v1/calendars/{token}.ics")


@router.delete("/feeds/{feed_id}", status_code=204)
async def revoke_feed(feed_id: PathId, actor: CurrentActor, session: Session) -> None:
    """Its address leads nowhere any more."""
    await commands.revoke_feed(session, actor, feed_id)


@router.get(
    "/calendars/{token}.ics",
    response_class=Response,
    responses={200: {"content": {"text/calendar": {}}, "description": "iCalendar (RFC 5545)"}, 304: {}},
)
async def feed(token: str, request: Request, session: ReadSession, public_url: PublicUrl) -> Response:
    """The appointments of a customer, an affiliate or a crew, for whoever knows the address: from 90 days back, those
    that were cancelled for 30 days. Held ones are tentative, and shown to teams alone; so is an address not before its
    booking is paid."""
    contents = await contents_at(session, token, host_of(public_url), now())
    headers = {"ETag": contents.tag, "Cache-Control": KEPT_BY_READERS}
    known = [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]
    if contents.tag in known:
        return Response(status_code=304, headers=headers)
    written = await asyncio.to_thread(contents.written)
    return Response(written, media_type="text/calendar; charset=utf-8", headers=headers)
