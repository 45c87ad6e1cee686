"""Who owns which affiliate."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.affiliate import Affiliate
from ..domain.owner import Person, PersonState, TeamMember


async def owners_of(session: AsyncSession, affiliate: Affiliate) -> Sequence[int]:
    """The first first; until identity has told of a team, whoever applied."""
    owned = TeamMember.affiliate_id == affiliate.id, TeamMember.is_owner
    users = select(TeamMember.user_id).where(*owned).order_by(TeamMember.affiliate_user_id)
    return (await session.scalars(users)).all() or [affiliate.owner_user_id]


async def affiliates_of(session: AsyncSession, user_id: int) -> Sequence[int]:
    """In the order of their ids, in which they are locked."""
    member_of = select(TeamMember.affiliate_id).where(TeamMember.user_id == user_id, TeamMember.is_owner)
    mine = (Affiliate.owner_user_id == user_id) | Affiliate.id.in_(member_of)
    return (await session.scalars(select(Affiliate.id).where(mine).order_by(Affiliate.id))).all()


async def states_of(session: AsyncSession, users: Collection[int]) -> dict[int, PersonState]:
    found = await session.scalars(select(Person).where(Person.user_id.in_(users)))
    return {person.user_id: person.state for person in found}
