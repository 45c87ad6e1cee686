"""The keys of integrators, and the tokens that they are exchanged for."""

from fastapi import Response

from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, Paged, PageView, PathId
from shared.http import router as new_router

from ..commands import api_keys as commands
from ..domain.api_key import ApiKey
from ..queries.api_keys import api_keys_of
from ..schemas.api_keys import ApiKeyRequest, ApiKeyView, NewApiKeyView, TokenRequest, TokenView
from .request import CurrentLimits, Issuing

router = new_router("identity", "api keys")


@router.post("/api-keys", response_model=NewApiKeyView, status_code=201, dependencies=[InPerson])
async def make_api_key(
    wanted: ApiKeyRequest, actor: CurrentActor, session: Session, response: Response
) -> NewApiKeyView:
    """A key for an affiliate that one runs, or as an administrator one that reads. The key is shown this once."""
    made = await commands.make_api_key(session, actor, wanted)
    response.headers["Cache-Control"] = "no-store"
    return NewApiKeyView(**ApiKeyView.model_validate(made.key).model_dump(), api_key=made.secret)


@router.get("/api-keys", response_model=PageView[ApiKeyView])
async def api_keys(actor: CurrentActor, session: ReadSession, page: CurrentPage) -> Paged[ApiKey]:
    """One's own, and those of the affiliates that one runs, newest first; administrators see all."""
    return await api_keys_of(session, actor, page)


@router.delete("/api-keys/{api_key_id}", status_code=204, dependencies=[InPerson])
async def revoke_api_key(api_key_id: PathId, actor: CurrentActor, session: Session) -> None:
    """It is good for nothing any more; its tokens end at every service within a minute."""
    await commands.revoke_api_key(session, actor, api_key_id)


@router.post("/tokens", response_model=TokenView)
async def exchange(
    wanted: TokenRequest, limits: CurrentLimits, issuing: Issuing, session: Session, response: Response
) -> TokenView:
    """An access token for an API key: as long as it is good, and its maker is what they were."""
    exchanged = await commands.exchange(session, limits, wanted.api_key)
    response.headers["Cache-Control"] = "no-store"
    seconds = min(exchanged.seconds_left, issuing.lifetime)
    scope = " ".join(sorted(exchanged.actor.scopes or ()))
    return TokenView(access_token=issuing.issue(exchanged.actor, seconds), expires_in=seconds, scope=scope)
