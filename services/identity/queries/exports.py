"""Reading exports."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.export import Export, ExportPart, ExportStatus, NoSuchExport

LIVE = Export.status.in_([ExportStatus.GATHERING, ExportStatus.READY])


async def live_export_of(session: AsyncSession, user_id: int) -> Export | None:
    """The one that is being gathered, or can be fetched."""
    of = select(Export).where(Export.user_id == user_id, LIVE, Export.expires_at > func.now())
    return await session.scalar(of)


async def lock_export(session: AsyncSession, export_id: int) -> Export | None:
    return await session.get(Export, export_id, with_for_update=True)


async def get_ready_export(session: AsyncSession, secret: str) -> Export:
    """The export that the link of a mail leads to."""
    return await _ready(session, Export.secret == secret)


async def own_ready_export(session: AsyncSession, user_id: int | None) -> Export:
    return await _ready(session, Export.user_id == user_id)


async def _ready(session: AsyncSession, whose: ColumnElement[bool]) -> Export:
    of = select(Export).where(whose, Export.status == ExportStatus.READY, Export.expires_at > func.now())
    if (export := await session.scalar(of)) is None:
        raise NoSuchExport
    return export


async def keep_part(session: AsyncSession, values: dict[str, object]) -> None:
    await session.execute(insert(ExportPart).values(values).on_conflict_do_nothing())


async def services_told(session: AsyncSession, export_id: int) -> set[str]:
    """Those that have told all that they hold."""
    of = select(ExportPart.service).where(ExportPart.export_id == export_id).group_by(ExportPart.service)
    return set(await session.scalars(of.having(func.count() == func.max(ExportPart.parts))))


async def parts_of(session: AsyncSession, export_id: int) -> Sequence[ExportPart]:
    of = select(ExportPart).where(ExportPart.export_id == export_id)
    return (await session.scalars(of.order_by(ExportPart.service, ExportPart.part))).all()


async def claim_exports_past_their_time(session: AsyncSession, at: datetime, *, limit: int) -> Sequence[Export]:
    over = select(Export).where(LIVE, Export.expires_at <= at).order_by(Export.expires_at).limit(limit)
    return (await session.scalars(over.with_for_update(skip_locked=True))).all()


async def forget_parts(session: AsyncSession, export_ids: Sequence[int]) -> None:
    await session.execute(delete(ExportPart).where(ExportPart.export_id.in_(export_ids)))
