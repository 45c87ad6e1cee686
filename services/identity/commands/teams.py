"""Who works for whom."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor, Role
from shared.clock import now
from shared.contracts.identity import MemberAdded, MemberChanged, MemberRemoved
from shared.outbox import record

from ..domain.account import AffiliateUser
from ..queries.accounts import find_account, must_exist
from ..queries.invitations import open_invitations_by
from ..queries.teams import has_team, lock_team, teams_of_user

log = structlog.get_logger()
STILL_READ = timedelta(seconds=1)  # what a token is made of that is being issued right now


async def give_affiliate_its_owner(session: AsyncSession, affiliate_id: int, user_id: int) -> None:
    """Whoever applied owns the affiliate, unless it has a team already: then the team itself decides.

    Whoever has closed the account by then owns nothing.
    """
    await must_exist(session, user_id)
    if await find_account(session, user_id, lock=True) is None:
        log.warning("affiliate.applicant_closed", affiliate_id=affiliate_id, user_id=user_id)
        return
    if await has_team(session, affiliate_id):
        return
    member = AffiliateUser(affiliate_id=affiliate_id, user_id=user_id, role=Role.OWNER)
    session.add(member)
    await session.flush()
    record(session, MemberAdded.of(member))


async def change_role(
    session: AsyncSession, actor: Actor, affiliate_id: int, user_id: int, version: int | None, role: Role
) -> AffiliateUser:
    team = await lock_team(session, affiliate_id)
    team.must_let_decide(actor, Role.OWNER)
    member = team.member(user_id)
    member.expect(version)
    if team.change_role(member, role):
        await _announce(session, MemberChanged, member)
    return member


async def hand_over(session: AsyncSession, actor: Actor, affiliate_id: int, user_id: int) -> AffiliateUser:
    """Both steps or none: there is an owner all the time."""
    team = await lock_team(session, affiliate_id)
    owner = team.must_let_decide(actor, Role.OWNER)
    heir = team.member(user_id)
    for member in team.hand_over(owner, heir):
        await _announce(session, MemberChanged, member)
    return heir


async def remove_member(
    session: AsyncSession, actor: Actor, affiliate_id: int, user_id: int, version: int | None
) -> None:
    team = await lock_team(session, affiliate_id)
    me, member = team.me(actor), team.member(user_id)
    member.expect(version)
    team.remove(me, member, now())
    await _announce(session, MemberRemoved, member)


async def leave_every_team(session: AsyncSession, user_id: int) -> None:
    """Of somebody who goes for good; `LastOwner` if an affiliate would be without an owner then."""
    for affiliate_id in await teams_of_user(session, user_id):
        team = await lock_team(session, affiliate_id)
        for member in team.members:
            if member.user_id == user_id:  # else somebody has just removed them
                team.remove(member, member, now())
                await _announce(session, MemberRemoved, member)


async def _announce(session: AsyncSession, told: type[MemberChanged | MemberRemoved], member: AffiliateUser) -> None:
    await _end_invitations(session, member)
    record(session, told.of(member, tokens_end_at=now() + STILL_READ))


async def _end_invitations(session: AsyncSession, member: AffiliateUser) -> None:
    """Nobody joins by the word of somebody who has no say any more."""
    for invitation in await open_invitations_by(session, member):
        invitation.end_with(member)
