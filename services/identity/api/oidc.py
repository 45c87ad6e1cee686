"""Signing in elsewhere (OpenID Connect)."""

import re
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from shared import cookies
from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.errors import Refusal
from shared.http import PathId, announce
from shared.http import router as new_router

from ..clients import CallBack
from ..commands import oidc as commands
from ..domain.limits import ELSEWHERE
from ..domain.oidc import LIFE, Secrets, SentBack, SignInLost
from ..queries import oidc as queries
from ..schemas.oidc import (
    AuthorizationRequest,
    AuthorizationView,
    CallBackQuery,
    LinksView,
    LinkView,
    ProviderName,
    ProvidersView,
    ProviderView,
)
from ..schemas.second_factor import CodeNeededView
from ..schemas.sessions import CookiesView, TokensView
from .request import CurrentClient, CurrentLimits, SigningInAt
from .tokens import HandingOver

router = new_router("identity", "sign-in elsewhere", "/oidc")

BROWSER, SECRET = "mdh_oidc", re.compile("[A-Za-z0-9_-]{43}")


def _browser(request: Request) -> str | None:
    """What this browser was given when it began to sign in elsewhere."""
    found = cookies.find(request, BROWSER, router.prefix)
    return found if found and SECRET.fullmatch(found) else None


BrowserSecret = Annotated[str | None, Depends(_browser)]


@router.get("/providers", response_model=ProvidersView)
async def providers(known: SigningInAt) -> ProvidersView:
    """Where one can sign in, besides here."""
    return ProvidersView(items=[ProviderView.model_validate(provider) for provider in known.all()])


@router.post("/{provider}/authorizations", response_model=AuthorizationView, status_code=201)
async def begin(
    provider: ProviderName,
    wanted: AuthorizationRequest,
    client: CurrentClient,
    known: SigningInAt,
    limits: CurrentLimits,
    session: Session,
    request: Request,
    response: Response,
    browser: BrowserSecret,
) -> AuthorizationView:
    """Begin to sign in at a provider: send the browser to `authorization_url`. It comes back to the call-back."""
    at = known.get(provider)
    await limits.spend(ELSEWHERE)
    departure = await commands.begin(session, at, wanted, browser, client)
    _remember(departure.secrets, request, response)
    return AuthorizationView(authorization_url=departure.url, expires_at=departure.authorization.expires_at)


@router.get(
    "/{provider}/callback",
    response_model=TokensView | CookiesView | CodeNeededView,
    responses={
        303: {"description": "Back to the page that began it; `error` or `#second_factor` if there is more to do"}
    },
)
async def complete(
    provider: ProviderName,
    back: Annotated[CallBackQuery, Query()],
    client: CurrentClient,
    known: SigningInAt,
    handover: HandingOver,
    reading: ReadSession,
    session: Session,
    request: Request,
    browser: BrowserSecret,
) -> TokensView | CookiesView | CodeNeededView:
    """Where the provider sends the browser back to: completes what it began."""
    at = known.get(provider)
    if browser is None:
        raise SignInLost
    arrival = await commands.arrive(
        reading, at, Secrets(browser, back.state), CallBack(back.code, back.error, back.iss)
    )
    if arrival.return_to is None:
        return handover.so_far(await commands.complete(session, arrival, client))
    try:
        return handover.back_to(arrival.return_to, await commands.complete(session, arrival, client))
    except Refusal as refusal:
        mark = "&" if "?" in arrival.return_to else "?"
        announce(request, {"Location": f"{arrival.return_to}{mark}error={refusal.code}"})
        raise SentBack(because=refusal.code) from refusal


@router.get("/links", response_model=LinksView)
async def links(actor: CurrentActor, session: ReadSession) -> LinksView:
    """One's own accounts elsewhere that one can sign in with."""
    found = await queries.links_of(session, actor.user_id)
    return LinksView(items=[LinkView.model_validate(link) for link in found])


@router.delete("/links/{link_id}", status_code=204, dependencies=[InPerson])
async def unlink(link_id: PathId, actor: CurrentActor, session: Session) -> None:
    """Take a link away. Refused if without it nobody could sign in."""
    await commands.unlink(session, actor, link_id)


def _remember(secrets: Secrets, request: Request, response: Response) -> None:
    """Only the browser has it, and only for the way back: Lax, because a provider's redirect comes from elsewhere."""
    settings = request.app.state.settings
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        cookies.named(settings, BROWSER, router.prefix),
        secrets.browser,
        max_age=int(LIFE.total_seconds()),
        path=router.prefix,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )
