"""Asking people into a team, and their answers."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, Role
from shared.clock import now
from shared.contracts.identity import MemberAdded, MemberInvited
from shared.db import enforced_by
from shared.outbox import record

from ..domain.account import AffiliateUser
from ..domain.invitation import ONE_OPEN, AlreadyInvited, Invitation
from ..domain.limits import INVITE, INVITED, INVITER
from ..domain.team import ONCE, AlreadyInTeam
from ..limits import Limits
from ..queries.accounts import find_by_email, get_account
from ..queries.invitations import (
    find_open_invitation,
    get_invitation,
    get_invitation_of_secret,
)
from ..queries.teams import find_membership, lock_team


async def invite(
    session: AsyncSession, limits: Limits, actor: Actor, affiliate_id: int, email: str, role: Role
) -> Invitation:
    """The secret leaves by mail alone."""
    team = await lock_team(session, affiliate_id)
    me = team.must_let_decide(actor, role)
    for limit, subject in ((INVITED, email), (INVITER, me.user_id), (INVITE, affiliate_id)):
        await limits.spend(limit, subject, within=session)
    if team.has_address(email):
        raise AlreadyInTeam
    if earlier := await find_open_invitation(session, affiliate_id, email):
        earlier.make_way(now())
        await session.flush()
    invitation, secret = Invitation.into(me, email, role, now())
    session.add(invitation)
    with enforced_by(ONE_OPEN, AlreadyInvited):
        await session.flush()
    # Sealed with the key of whom it is about; of somebody without an account, with that of whom it is by.
    invited = await find_by_email(session, email)
    person = invited if invited and invited.is_verified else me.user
    told = {"user_id": person.id, "locale": person.locale, "timezone": person.timezone}
    record(session, MemberInvited.of(invitation, secret=secret, **told))
    return invitation


async def withdraw(session: AsyncSession, actor: Actor, affiliate_id: int, invitation_id: int) -> None:
    """By those who could have sent it."""
    team = await lock_team(session, affiliate_id)
    team.me(actor)
    invitation = await get_invitation(session, affiliate_id, invitation_id)
    team.must_let_decide(actor, invitation.role)
    invitation.withdraw(now())


async def accept(session: AsyncSession, actor: Actor, secret: str) -> AffiliateUser:
    """The team is in the next token."""
    invitation = await get_invitation_of_secret(session, secret)
    account = await get_account(session, actor.user_id, lock=True)
    invitation.accept(account.user, now())
    member = await find_membership(session, invitation.affiliate_id, account.user.id)
    if member is None:
        member = AffiliateUser(affiliate_id=invitation.affiliate_id, user_id=account.user.id, role=invitation.role)
        session.add(member)
        with enforced_by(ONCE, AlreadyInTeam):
            await session.flush()
    elif member.removed_at:
        member.come_back(invitation.role, now())
    else:
        raise AlreadyInTeam
    record(session, MemberAdded.of(member))
    return member
