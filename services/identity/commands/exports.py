"""Gathering what the platform holds of somebody."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import ExportReady, ExportRequested
from shared.contracts.personal import DataExported
from shared.db import enforced_by
from shared.errors import ChangedMeanwhile
from shared.outbox import record
from shared.provision import SERVICES

from ..domain.export import GATHERED_WITHIN, ONE_AT_A_TIME, Export, ExportStatus
from ..domain.limits import EXPORT
from ..limits import Limits
from ..queries import exports as queries
from ..queries.accounts import get_account
from ..queries.erasures import lock_former_user


async def current_export(session: AsyncSession, limits: Limits, actor: Actor) -> tuple[Export, set[str]]:
    """The one that is under way or can be fetched, else a new one; and the services that it still waits for."""
    account = await get_account(session, actor.user_id)
    export = await queries.live_export_of(session, account.user.id)
    if export is None:
        await limits.spend(EXPORT, account.user.id, within=session)
        export = await _begin(session, account.user.id, account.customer_id)
    return export, await missing_of(session, export)


async def _begin(session: AsyncSession, user_id: int, customer_id: int | None) -> Export:
    await end_exports(session)
    export = Export(user_id=user_id, customer_id=customer_id, expires_at=now() + GATHERED_WITHIN)
    session.add(export)
    with enforced_by(ONE_AT_A_TIME, ChangedMeanwhile):
        await session.flush()
    record(session, ExportRequested.of(export))
    return export


async def missing_of(session: AsyncSession, export: Export) -> set[str]:
    told = await queries.services_told(session, export.id) if export.status is ExportStatus.GATHERING else SERVICES
    return set(SERVICES) - set(told)


async def collect_part(session: AsyncSession, service: str, told: DataExported) -> None:
    """With the last one it is ready. What comes when nobody waits for it any more is not kept."""
    export = await queries.lock_export(session, told.export_part_id)
    if export is None or export.status is not ExportStatus.GATHERING:
        return
    part = {"export_id": export.id, "service": service, "part": told.version, "parts": told.parts, "data": told.data}
    await queries.keep_part(session, part)
    if not await missing_of(session, export):
        export.complete(now())
        user = await lock_former_user(session, export.user_id)
        record(session, ExportReady.of(export, email=user.email, full_name=user.full_name, timezone=user.timezone))


async def end_exports(session: AsyncSession, *, limit: int = 100) -> None:
    """What nobody has fetched in time, or what was never complete: its parts are forgotten."""
    over = await queries.claim_exports_past_their_time(session, now(), limit=limit)
    for export in over:
        export.end()
    if over:
        await queries.forget_parts(session, [export.id for export in over])
        await session.flush()
