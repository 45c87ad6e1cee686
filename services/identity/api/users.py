"""Users, for the platform's staff: finding and reading them, suspending and reinstating, who is of the staff."""

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import CurrentAdmin, CurrentStaff, InPerson
from shared.clock import now
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, QueryId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import second_factor
from ..commands import users as commands
from ..domain.account import Account, UserRole, UserStatus
from ..queries.users import open_sessions_of, users_matching
from ..schemas.fields import EmailPrefix
from ..schemas.users import FoundUserView, ReasonRequest, StaffRoleRequest, SuspendRequest, UserView

router = new_router("identity", "users", "/users")


@router.get("", response_model=PageView[FoundUserView])
async def users(
    _staff: CurrentStaff,
    session: ReadSession,
    page: CurrentPage,
    email: Annotated[EmailPrefix | None, Query()] = None,
    id: QueryId | None = None,
    status: UserStatus | None = None,
) -> Paged[FoundUserView]:
    """For the staff: find users by e-mail address, or how it begins; newest first. Addresses are masked."""
    found = await users_matching(session, page, email=email, id=id, status=status)
    return Paged([FoundUserView.of(user) for user in found.items], found.next)


@router.get("/{user_id}", response_model=UserView)
async def user(user_id: PathId, staff: CurrentStaff, session: Session, response: Response) -> UserView:
    """For the staff: what is known of a user. That you looked stands in the audit trail."""
    return await _shown(session, await commands.look_up(session, staff, user_id), response)


@router.post("/{user_id}/suspend", response_model=UserView, dependencies=[Idempotent])
async def suspend(
    user_id: PathId, wanted: SuspendRequest, staff: CurrentStaff, session: Session, version: IfMatch, response: Response
) -> UserView:
    """Nobody signs in with it any more; sessions end, tokens end everywhere within a minute. The person is told why."""
    return await _shown(session, await commands.suspend(session, staff, user_id, version, wanted.reason), response)


@router.post("/{user_id}/reinstate", response_model=UserView, dependencies=[Idempotent])
async def reinstate(
    user_id: PathId, staff: CurrentStaff, session: Session, version: IfMatch, response: Response
) -> UserView:
    """End a suspension. The person signs in anew."""
    return await _shown(session, await commands.reinstate(session, staff, user_id, version), response)


@router.put("/{user_id}/role", response_model=UserView)
async def give_role(
    user_id: PathId,
    wanted: StaffRoleRequest,
    admin: CurrentAdmin,
    session: Session,
    version: IfMatch,
    response: Response,
) -> UserView:
    """Make somebody support or administrator, or (null) neither. Tokens with the old role end within a minute."""
    role = UserRole(wanted.role) if wanted.role else None
    return await _shown(
        session, await commands.give_role(session, admin, user_id, version, role, wanted.reason), response
    )


@router.delete("/{user_id}/second-factor", response_model=UserView, dependencies=[InPerson])
async def take_second_factor_off(
    user_id: PathId, wanted: ReasonRequest, admin: CurrentAdmin, session: Session, version: IfMatch, response: Response
) -> UserView:
    """For whoever has lost the app and all recovery codes: signing in takes no code. The person is told why."""
    return await _shown(
        session, await second_factor.take_off(session, admin, user_id, version, wanted.reason), response
    )


async def _shown(session: AsyncSession, account: Account, response: Response) -> UserView:
    tag(response, account.user.version)
    return UserView.of(account, await open_sessions_of(session, account.user.id, now()))
