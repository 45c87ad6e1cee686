"""What analytics does when anybody tells it anything."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers
from shared.events import Envelope, Event

from . import commands
from .personal import personal

consumers = Consumers("analytics")
personal.join(consumers)


@consumers.on_everything
async def count_fact(event: Event, envelope: Envelope, session: AsyncSession) -> None:
    await commands.count_fact(session, event, envelope)
