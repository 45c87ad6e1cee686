"""HTTP of identity. No answer with a token in it is ever stored, so none of these takes an Idempotency-Key."""

from typing import Annotated

from fastapi import Depends, Request, Response

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.errors import Refusal
from shared.http import IfMatch, tag
from shared.http import router as new_router
from shared.problems import problem

from . import commands, queries
from .commands import Client, OpenSession
from .domain.account import User, UserRole
from .keys import AccessTokens, SigningKeys
from .passwords import Passwords
from .schemas import (
    KeySetView,
    LoginRequest,
    MeRequest,
    MeView,
    RefreshRequest,
    RegisterRequest,
    TokensView,
)

router = new_router("identity", "identity")


def _passwords(request: Request) -> Passwords:
    return request.app.state.passwords  # type: ignore[no-any-return]


def _access_tokens(request: Request) -> AccessTokens:
    return request.app.state.access_tokens  # type: ignore[no-any-return]


def _client(request: Request) -> Client:
    agent = request.headers.get("user-agent", "")[:200]
    return Client(agent if agent.isprintable() else None, request.client.host if request.client else None)


CurrentClient = Annotated[Client, Depends(_client)]
Hashing = Annotated[Passwords, Depends(_passwords)]
Issuing = Annotated[AccessTokens, Depends(_access_tokens)]


@router.post("/register", response_model=MeView, status_code=201)
async def register(wanted: RegisterRequest, passwords: Hashing, session: Session, response: Response) -> MeView:
    """Open an account. Log in with it afterwards."""
    role, told = UserRole(wanted.account), wanted.model_dump(exclude={"account", "password", "phone"})
    user = User(**told, role=role)
    account = await commands.open_account(session, passwords, user, wanted.password, phone=wanted.phone)
    tag(response, account.user.version)
    return MeView.of(account)


@router.post("/login", response_model=TokensView)
async def log_in(
    wanted: LoginRequest,
    client: CurrentClient,
    passwords: Hashing,
    issuing: Issuing,
    reading: ReadSession,
    session: Session,
    response: Response,
) -> TokensView:
    """Open a session with e-mail address and password."""
    client = Client(wanted.device or client.device, client.address)
    opened = await commands.log_in(session, reading, passwords, wanted, client)
    return _tokens(opened, issuing, response)


@router.post("/refresh", response_model=TokensView)
async def refresh(
    wanted: RefreshRequest,
    client: CurrentClient,
    issuing: Issuing,
    session: Session,
    request: Request,
    response: Response,
) -> TokensView | Response:
    """The next pair of tokens. A refresh token is good once; used again later than 10 s after, it ends the session."""
    outcome = await commands.refresh(session, wanted.refresh_token, client)
    return _refused(request, outcome) if isinstance(outcome, Refusal) else _tokens(outcome, issuing, response)


@router.post("/logout", status_code=204)
async def log_out(wanted: RefreshRequest, session: Session) -> None:
    """End the session that this refresh token belongs to. Its access tokens live on for 15 minutes at most."""
    await commands.log_out(session, wanted.refresh_token)


@router.get("/me", response_model=MeView)
async def me(actor: CurrentActor, session: ReadSession, response: Response) -> MeView:
    account = await queries.get_account(session, actor.user_id)
    tag(response, account.user.version)
    return MeView.of(account)


@router.patch("/me", response_model=MeView)
async def change_me(
    wanted: MeRequest, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> MeView:
    """Change name, language, time zone; as a customer, the phone number."""
    account = await commands.change_me(session, actor, version, wanted.model_dump(exclude_unset=True))
    tag(response, account.user.version)
    return MeView.of(account)


@router.get("/.well-known/jwks.json", response_model=KeySetView)
async def key_set(request: Request, response: Response) -> KeySetView:
    """The public keys of access tokens (RFC 7517)."""
    keys: SigningKeys = request.app.state.signing_keys
    response.headers["Cache-Control"] = "public, max-age=300"
    return KeySetView.model_validate(keys.public())


def _tokens(opened: OpenSession, issuing: AccessTokens, response: Response) -> TokensView:
    response.headers["Cache-Control"] = "no-store"
    return TokensView(
        access_token=issuing.issue(opened.account.actor),
        expires_in=issuing.lifetime,
        refresh_token=opened.secret,
        refresh_expires_at=opened.token.expires_at,
    )


def _refused(request: Request, refusal: Refusal) -> Response:
    """A refusal that was not raised, because its transaction has something to keep."""
    return problem(
        request, code=refusal.code, title=refusal.title, status=refusal.status, detail=refusal.detail,
        headers=refusal.headers,
    )  # fmt: skip
