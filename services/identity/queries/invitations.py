"""Reading invitations."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged

from ..domain.account import AffiliateUser, User, UserStatus
from ..domain.invitation import Invitation, InvitationStatus, NoSuchInvitation
from ..domain.session import digest
from ..domain.team import NotYoursToDecide, Team

open_ones = Invitation.status == InvitationStatus.OPEN


async def invitations_of(session: AsyncSession, actor: Actor, affiliate_id: int, page: Page) -> Paged[Invitation]:
    """For those who invite: owners and managers, and staff."""
    Team.must_be_seen_by(actor, affiliate_id)
    if not (actor.is_staff or actor.runs(affiliate_id)):
        raise NotYoursToDecide
    of = select(Invitation).where(Invitation.affiliate_id == affiliate_id)
    return await page.of(session, of, Invitation.created_at, Invitation.id, descending=True)


async def find_open_invitation(session: AsyncSession, affiliate_id: int, email: str) -> Invitation | None:
    """The one to this address that nobody has answered, though its time may be over; locked."""
    to = (Invitation.affiliate_id == affiliate_id) & (func.lower(Invitation.email) == func.lower(email))
    return await session.scalar(select(Invitation).where(to, open_ones).with_for_update())


async def open_invitations_by(session: AsyncSession, member: AffiliateUser) -> Sequence[Invitation]:
    """Locked, in the order of their ids."""
    by = (Invitation.affiliate_id == member.affiliate_id) & (Invitation.invited_by == member.user_id)
    ordered = select(Invitation).where(by, open_ones).order_by(Invitation.id)
    return (await session.scalars(ordered.with_for_update())).all()


async def get_invitation(session: AsyncSession, affiliate_id: int, invitation_id: int) -> Invitation:
    """Of this team, locked."""
    of = select(Invitation).where(Invitation.id == invitation_id, Invitation.affiliate_id == affiliate_id)
    return _found(await session.scalar(of.with_for_update()))


async def get_invitation_of_secret(session: AsyncSession, secret: str) -> Invitation:
    """Locked: whoever else answers it waits. It is as good as the word of who sent it, whom one must be able to ask."""
    by = (User.id == Invitation.invited_by) & User.deleted_at.is_(None) & (User.status == UserStatus.ACTIVE)
    of = select(Invitation).join(User, by).where(Invitation.secret_hash == digest(secret))
    return _found(await session.scalar(of.with_for_update(of=Invitation)))


def _found(invitation: Invitation | None) -> Invitation:
    if invitation is None:
        raise NoSuchInvitation
    return invitation
