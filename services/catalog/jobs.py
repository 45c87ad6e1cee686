"""What catalog does when time passes."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.jobs import Jobs

from .commands import config, search

jobs = Jobs("catalog")


@jobs.every(timedelta(minutes=1))
async def announce_config(session: AsyncSession) -> None:
    """Its first run, when the first worker starts, tells all services the configuration that the migration wrote."""
    await config.announce_config(session)


@jobs.every(timedelta(hours=1))
async def build_search(session: AsyncSession) -> None:
    """Its first run fills the read model with what was told before there was one."""
    await search.build_search(session)
