"""What happens to the platform's configuration."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.catalog import ConfigChanged
from shared.outbox import record

from ..domain.category import UnknownCategory
from ..domain.config import ConfigChange, MdhConfig
from ..queries.categories import categories
from ..queries.config import get_config, is_announced
from ..schemas.config import ConfigRequest


async def change_config(
    session: AsyncSession,
    version: int | None,
    wanted: ConfigRequest,
    *,
    user_id: int | None = None,
    operator: str | None = None,
) -> MdhConfig:
    """By an administrator, or by an operator at a shell. What changes nothing is no change: no version, no history, no
    event."""
    config = await get_config(session, lock=True)
    config.expect(version)
    if unknown := wanted.categories - {category.slug for category in await categories(session, all=True)}:
        raise UnknownCategory(categories=sorted(unknown))
    if changes := config.change(wanted.changes, wanted.features):
        change = ConfigChange(version=config.version, changed_by=user_id, operator=operator, changes=changes)
        session.add(change)
        record(session, ConfigChanged.of(config))
    return config


async def announce_config(session: AsyncSession) -> None:
    """Tell of a configuration that a migration wrote. The lock and the event's unique version make it once."""
    config = await get_config(session, lock=True)
    if not await is_announced(session, config):
        record(session, ConfigChanged.of(config))
