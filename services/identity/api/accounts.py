"""Opening an account, and one's own."""

from fastapi import Response

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.http import IfMatch, tag
from shared.http import router as new_router

from ..commands import accounts as commands
from ..domain.account import User, UserRole
from ..domain.limits import REGISTER
from ..queries.accounts import get_account
from ..schemas.accounts import MeRequest, MeView, RegisterRequest
from .request import CurrentLimits, Hashing

router = new_router("identity", "accounts")


@router.post("/register", response_model=MeView, status_code=201)
async def register(
    wanted: RegisterRequest, limits: CurrentLimits, passwords: Hashing, session: Session, response: Response
) -> MeView:
    """Open an account. Log in with it afterwards."""
    await limits.spend(REGISTER)
    role, told = UserRole(wanted.account), wanted.model_dump(exclude={"account", "password", "phone"})
    user = User(**told, role=role)
    account = await commands.open_account(session, passwords, user, wanted.password, phone=wanted.phone)
    tag(response, account.user.version)
    return MeView.of(account)


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
