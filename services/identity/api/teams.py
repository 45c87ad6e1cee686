"""Who works for an affiliate, and who is asked to. Support takes nobody in and gives no role in anybody's name."""

from fastapi import Response

from shared.auth import CurrentActor, InPerson, Role
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import invitations as inviting
from ..commands import teams as commands
from ..domain.account import AffiliateUser
from ..queries.invitations import invitations_of
from ..queries.teams import members_of
from ..schemas.accounts import MembershipView
from ..schemas.teams import (
    AcceptRequest,
    HandoverRequest,
    InvitationRequest,
    InvitationView,
    MemberRoleRequest,
    MemberView,
)
from .request import CurrentLimits

router = new_router("identity", "teams")
MEMBERS = "/affiliates/{affiliate_id}/members"
INVITATIONS = "/affiliates/{affiliate_id}/invitations"


@router.get(MEMBERS, response_model=PageView[MemberView])
async def members(
    affiliate_id: PathId, actor: CurrentActor, session: ReadSession, page: CurrentPage
) -> Paged[MemberView]:
    """The team, by the time they joined; for the team itself, and for staff, to whom addresses are masked."""
    found = await members_of(session, actor, affiliate_id, page)
    return Paged([MemberView.of(member, actor) for member in found.items], found.next)


@router.patch(f"{MEMBERS}/{{user_id}}", response_model=MemberView, dependencies=[InPerson])
async def change_role(
    affiliate_id: PathId,
    user_id: PathId,
    wanted: MemberRoleRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> MemberView:
    """Give a member another role. By owners; one owner is always left."""
    member = await commands.change_role(session, actor, affiliate_id, user_id, version, Role(wanted.role))
    tag(response, member.version)
    return MemberView.of(member, actor)


@router.delete(f"{MEMBERS}/{{user_id}}", status_code=204, dependencies=[InPerson])
async def remove_member(
    affiliate_id: PathId, user_id: PathId, actor: CurrentActor, session: Session, version: IfMatch
) -> None:
    """Remove somebody from the team, or leave it. By owners, by managers for technicians, by everybody for oneself."""
    await commands.remove_member(session, actor, affiliate_id, user_id, version)


@router.post("/affiliates/{affiliate_id}/handover", response_model=MemberView, dependencies=[InPerson, Idempotent])
async def hand_over(
    affiliate_id: PathId, wanted: HandoverRequest, actor: CurrentActor, session: Session, response: Response
) -> MemberView:
    """Make a member the owner, and oneself a manager."""
    heir = await commands.hand_over(session, actor, affiliate_id, wanted.user_id)
    tag(response, heir.version)
    return MemberView.of(heir, actor)


@router.post(INVITATIONS, response_model=InvitationView, status_code=201, dependencies=[InPerson, Idempotent])
async def invite(
    affiliate_id: PathId, wanted: InvitationRequest, actor: CurrentActor, limits: CurrentLimits, session: Session
) -> InvitationView:
    """Ask somebody into the team by e-mail. By owners, and by managers for technicians."""
    role = Role(wanted.role)
    return InvitationView.of(await inviting.invite(session, limits, actor, affiliate_id, wanted.email, role), actor)


@router.get(INVITATIONS, response_model=PageView[InvitationView])
async def invitations(
    affiliate_id: PathId, actor: CurrentActor, session: ReadSession, page: CurrentPage
) -> Paged[InvitationView]:
    """Those of the last three months, newest first; for owners, managers and staff, to whom addresses are masked."""
    found = await invitations_of(session, actor, affiliate_id, page)
    return Paged([InvitationView.of(invitation, actor) for invitation in found.items], found.next)


@router.delete(f"{INVITATIONS}/{{invitation_id}}", status_code=204)
async def withdraw(affiliate_id: PathId, invitation_id: PathId, actor: CurrentActor, session: Session) -> None:
    """Take an open invitation back: its link is good no more."""
    await inviting.withdraw(session, actor, affiliate_id, invitation_id)


@router.post("/invitations/accept", response_model=MembershipView, dependencies=[InPerson, Idempotent])
async def accept(wanted: AcceptRequest, actor: CurrentActor, session: Session) -> AffiliateUser:
    """Join the team that one is invited to, with the account of the address that the mail came to."""
    return await inviting.accept(session, actor, wanted.token)
