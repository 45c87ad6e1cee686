"""What identity does when others tell it something."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers
from shared.contracts.catalog import AffiliateApplied

from .commands.teams import give_affiliate_its_owner

consumers = Consumers("identity")


@consumers.on(AffiliateApplied)
async def make_applicant_owner(event: AffiliateApplied, session: AsyncSession) -> None:
    await give_affiliate_its_owner(session, event.affiliate_id, event.owner_user_id)
