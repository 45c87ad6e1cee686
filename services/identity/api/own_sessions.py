"""Where one is signed in, and signing out there."""

from uuid import UUID

from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, Paged, PageView
from shared.http import router as new_router

from ..commands import sessions as commands
from ..queries.sessions import sessions_of
from ..schemas.sessions import SessionView

router = new_router("identity", "sessions")


@router.get("/sessions", response_model=PageView[SessionView])
async def sessions(actor: CurrentActor, session: ReadSession, page: CurrentPage) -> Paged[SessionView]:
    """Where one is signed in, the newest first."""
    found = await sessions_of(session, actor.user_id, page)
    return Paged([SessionView.of(token, actor.session) for token in found.items], found.next)


@router.delete("/sessions/{session_id}", status_code=204, dependencies=[InPerson])
async def end_session(session_id: UUID, actor: CurrentActor, session: Session) -> None:
    """Sign out there. Its access tokens are refused everywhere within a minute."""
    await commands.end_session(session, actor, session_id)


@router.delete("/sessions", status_code=204, dependencies=[InPerson])
async def end_other_sessions(actor: CurrentActor, session: Session) -> None:
    """Sign out everywhere but here."""
    await commands.end_other_sessions(session, actor)
