"""What analytics does when anybody tells it anything."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers, Heard

from . import commands
from .personal import personal

consumers = Consumers("analytics")
personal.join(consumers)


@consumers.on_everything
async def count_fact(facts: Sequence[Heard], session: AsyncSession) -> None:
    await commands.count_facts(session, facts)
