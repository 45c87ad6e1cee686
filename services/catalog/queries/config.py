"""The platform's configuration, and what was said of it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.catalog import ConfigChanged
from shared.http import Page, Paged
from shared.outbox import BusinessEvent

from ..domain.config import THE_ONE, ConfigChange, MdhConfig


async def get_config(session: AsyncSession, *, lock: bool = False) -> MdhConfig:
    return await session.get_one(MdhConfig, THE_ONE, with_for_update=lock or None)


async def is_announced(session: AsyncSession, config: MdhConfig) -> bool:
    """Whether the configuration as it stands was ever recorded as an event."""
    told = select(BusinessEvent.id).where(
        BusinessEvent.aggregate_type == ConfigChanged.aggregate,
        BusinessEvent.aggregate_id == config.id,
        BusinessEvent.aggregate_version == config.version,
    )
    return await session.scalar(told) is not None


async def config_history(session: AsyncSession, page: Page) -> Paged[ConfigChange]:
    return await page.of(session, select(ConfigChange), ConfigChange.created_at, ConfigChange.id, descending=True)
