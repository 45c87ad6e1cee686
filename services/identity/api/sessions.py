"""Signing in, staying signed in, signing out."""

from fastapi import Request, Response
from starlette.background import BackgroundTask

from shared.db import ReadSession, Session
from shared.errors import Refusal
from shared.http import router as new_router
from shared.problems import problem

from ..commands import registrations
from ..commands import sessions as commands
from ..commands.sessions import Client, Unverified
from ..domain.account import WrongCredentials
from ..schemas.second_factor import CodeNeededView
from ..schemas.sessions import Carrier, CookiesView, LoginRequest, RefreshRequest, TokensView
from .request import CurrentClient, CurrentLimits, Hashing
from .tokens import HandingOver

router = new_router("identity", "sessions")


@router.post("/login", response_model=TokensView | CookiesView | CodeNeededView)
async def log_in(
    wanted: LoginRequest,
    client: CurrentClient,
    limits: CurrentLimits,
    passwords: Hashing,
    handover: HandingOver,
    reading: ReadSession,
    session: Session,
    request: Request,
) -> TokensView | CookiesView | CodeNeededView | Response:
    """Open a session with e-mail address and password. With a second factor on, the answer is a challenge instead."""
    client = Client(wanted.device or client.device, client.address)
    outcome = await commands.log_in(session, reading, limits, passwords, wanted, client)
    if isinstance(outcome, Unverified):
        return _unverified(request, outcome)
    return handover.so_far(outcome, wanted.session)


@router.post("/refresh", response_model=TokensView | CookiesView)
async def refresh(
    wanted: RefreshRequest,
    client: CurrentClient,
    handover: HandingOver,
    session: Session,
    request: Request,
) -> TokensView | CookiesView | Response:
    """The next pair of tokens. A refresh token is good once; used again later than 10 s after, it ends the session."""
    outcome = await commands.refresh(session, handover.brought(wanted), client)
    return _refused(request, outcome) if isinstance(outcome, Refusal) else handover.of(outcome, wanted.session)


@router.post("/logout", status_code=204)
async def log_out(wanted: RefreshRequest, handover: HandingOver, session: Session) -> None:
    """End the session that this refresh token belongs to. Its access tokens are refused everywhere within a minute."""
    await commands.log_out(session, handover.brought(wanted))
    if wanted.session is Carrier.COOKIE:
        handover.take_back()


def _unverified(request: Request, outcome: Unverified) -> Response:
    """The same answer, as fast, as to a wrong password: the mail goes out after it."""

    async def mail_again() -> None:
        async with request.app.state.database.begin() as session:
            await registrations.mail_again(session, outcome.email)

    refused = _refused(request, WrongCredentials())
    refused.background = BackgroundTask(mail_again)
    return refused


def _refused(request: Request, refusal: Refusal) -> Response:
    """A refusal that was not raised, because its transaction has something to keep."""
    return problem(
        request, code=refusal.code, title=refusal.title, status=refusal.status, detail=refusal.detail,
        headers=refusal.headers,
    )  # fmt: skip
