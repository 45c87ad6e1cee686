"""What catalog does when others tell it something."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers
from shared.contracts.reviews import RatingChanged

from .commands import affiliates
from .personal import personal

consumers = Consumers("catalog")
personal.join(consumers)


@consumers.on(RatingChanged)
async def show_rating(event: RatingChanged, session: AsyncSession) -> None:
    await affiliates.take_over_rating(session, event)
