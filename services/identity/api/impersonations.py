"""Acting for a user, for the platform's staff."""

from fastapi import Response

from shared.auth import CurrentStaff
from shared.db import ReadSession, Session
from shared.http import CurrentPage, Paged, PageView, PathId
from shared.http import router as new_router

from ..commands import impersonations as commands
from ..domain.impersonation import Impersonation
from ..queries.impersonations import impersonations_of
from ..schemas.impersonations import ImpersonatingView, ImpersonationRequest, ImpersonationView
from .request import Issuing

router = new_router("identity", "impersonations", "/impersonations")


@router.post("", response_model=ImpersonatingView, status_code=201)
async def impersonate(
    wanted: ImpersonationRequest, staff: CurrentStaff, issuing: Issuing, session: Session, response: Response
) -> ImpersonatingView:
    """For the staff: a token to act for a user with, never for money. The person is told, and why."""
    acting = await commands.impersonate(session, staff, wanted.user_id, wanted.reason, wanted.minutes)
    response.headers["Cache-Control"] = "no-store"
    seconds = min(wanted.minutes * 60, issuing.lifetime)
    shown = ImpersonationView.model_validate(acting.impersonation).model_dump()
    return ImpersonatingView(**shown, access_token=issuing.issue(acting.actor, seconds), expires_in=seconds)


@router.get("", response_model=PageView[ImpersonationView])
async def impersonations(staff: CurrentStaff, session: ReadSession, page: CurrentPage) -> Paged[Impersonation]:
    """Who acted for whom and why, newest first: all for administrators, for support their own."""
    return await impersonations_of(session, staff, page)


@router.delete("/{impersonation_id}", status_code=204)
async def stop(impersonation_id: PathId, staff: CurrentStaff, session: Session) -> None:
    """End one's own, or as an administrator any, at every service within a minute."""
    await commands.stop(session, staff, impersonation_id)
