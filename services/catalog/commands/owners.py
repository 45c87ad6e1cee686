"""What follows from who owns an affiliate, and from what becomes of them."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import keep_newest
from shared.contracts.catalog import AffiliateChanged
from shared.contracts.identity import MemberEvent, MemberRemoved, UserClosed, UserEvent, UserSuspended
from shared.outbox import record

from ..domain.affiliate import Affiliate
from ..domain.onboarding import FINAL, ApplicationStatus, Party, Step
from ..domain.owner import OWNER_SUSPENDED, Person, PersonState, TeamMember, best_state
from ..queries.affiliates import get_affiliate
from ..queries.owners import affiliates_of, owners_of, states_of
from .onboarding import take

OWNER = "owner"


async def follow_team(session: AsyncSession, told: MemberEvent) -> None:
    """An affiliate belongs to whom identity says: whoever handed it over, or applied, has no rights in it by that."""
    affiliate = await get_affiliate(session, told.affiliate_id, lock=True)
    values = {
        "affiliate_user_id": told.affiliate_user_id,
        "version": told.version,
        "affiliate_id": told.affiliate_id,
        "user_id": told.user_id,
        "is_owner": told.role == OWNER and not isinstance(told, MemberRemoved),
    }
    if not await keep_newest(session, TeamMember, values):
        return
    owners = await owners_of(session, affiliate)
    if affiliate.belong_to(owners):
        record(session, AffiliateChanged.of(affiliate))
    await _stand_by_owners(session, affiliate)


async def follow_owner(session: AsyncSession, told: UserEvent) -> None:
    """An affiliate none of whose owners may act is suspended with them, comes back with them, closes with them."""
    suspended = PersonState.SUSPENDED if isinstance(told, UserSuspended) else PersonState.ACTIVE
    state = PersonState.CLOSED if isinstance(told, UserClosed) else suspended
    if await keep_newest(session, Person, {"user_id": told.user_id, "version": told.version, "state": state}):
        for affiliate_id in await affiliates_of(session, told.user_id):
            await _stand_by_owners(session, await get_affiliate(session, affiliate_id, lock=True))


async def _stand_by_owners(session: AsyncSession, affiliate: Affiliate) -> None:
    owners = await owners_of(session, affiliate)
    state, status = best_state(owners, await states_of(session, owners)), affiliate.application_status
    with_them = status is ApplicationStatus.SUSPENDED and affiliate.status_reason == OWNER_SUSPENDED
    if state is PersonState.CLOSED and status not in FINAL:
        take(session, affiliate, Step.CLOSE, Party.PLATFORM)
    elif state is PersonState.SUSPENDED and status is ApplicationStatus.APPROVED:
        take(session, affiliate, Step.SUSPEND, Party.PLATFORM, reason=OWNER_SUSPENDED)
    elif state is PersonState.ACTIVE and with_them:
        take(session, affiliate, Step.REINSTATE, Party.PLATFORM)
