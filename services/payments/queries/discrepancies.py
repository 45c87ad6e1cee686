"""In what the provider's books and ours differ."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.http import Page, Paged

from ..domain.comparison import Difference, Kind
from ..domain.discrepancy import Discrepancy, DiscrepancyStatus, NoSuchDiscrepancy


async def lock_discrepancies_about(session: AsyncSession, about: str) -> Sequence[Discrepancy]:
    return (await session.scalars(select(Discrepancy).where(Discrepancy.about == about).with_for_update())).all()


async def find_discrepancy_of(session: AsyncSession, found: Difference) -> Discrepancy | None:
    of = select(Discrepancy).where(Discrepancy.kind == found.kind, Discrepancy.subject == found.subject)
    return await session.scalar(of.with_for_update())


async def what_is_open(session: AsyncSession) -> Sequence[str]:
    """All that open and explained discrepancies are about."""
    of = select(Discrepancy.about).where(Discrepancy.status != DiscrepancyStatus.RESOLVED).distinct()
    return (await session.scalars(of)).all()


async def get_discrepancy(session: AsyncSession, discrepancy_id: int, *, lock: bool = False) -> Discrepancy:
    found = await session.get(Discrepancy, discrepancy_id, with_for_update=lock or None)
    if found is None:
        raise NoSuchDiscrepancy
    return found


async def latest_discrepancies(
    session: AsyncSession, status: DiscrepancyStatus | None, most: int
) -> Sequence[Discrepancy]:
    latest = select(Discrepancy).order_by(Discrepancy.id.desc()).limit(most)
    return (await session.scalars(latest if status is None else latest.where(Discrepancy.status == status))).all()


async def discrepancies_of(
    session: AsyncSession, page: Page, status: DiscrepancyStatus | None, kind: Kind | None, owner: str | None
) -> Paged[Discrepancy]:
    statement = select(Discrepancy)
    for column, wanted in ((Discrepancy.status, status), (Discrepancy.kind, kind), (Discrepancy.owner, owner)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return await page.of(session, statement, Discrepancy.found_at, Discrepancy.id, descending=True)
