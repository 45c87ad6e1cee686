"""One's own account."""

from fastapi import Response

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.http import IfMatch, tag
from shared.http import router as new_router

from ..commands import accounts as commands
from ..queries.accounts import get_account
from ..schemas.accounts import MeRequest, MeView

router = new_router("identity", "accounts")


@router.get("/me", response_model=MeView)
async def me(actor: CurrentActor, session: ReadSession, response: Response) -> MeView:
    account = await get_account(session, actor.user_id)
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
