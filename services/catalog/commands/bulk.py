"""An affiliate's services as a file: taken in one transaction, or not at all."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.sheets import read

from ..domain.bulk import Outcome, Wanted, plan
from ..domain.service import Service
from ..queries.affiliates import affiliate_for
from ..queries.categories import categories
from ..queries.services import count_and_next_position, services_of
from ..schemas.bulk import COLUMNS, MAX_ROWS, ImportedView, ImportView, rows_of
from .services import announce_change, announce_new


async def import_services(
    session: AsyncSession, actor: Actor, affiliate_id: int, body: bytes, *, dry_run: bool
) -> ImportView:
    """Under the affiliate's lock, as services are published. What changes nothing is not told."""
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_run_by(actor)
    rows = rows_of(read(body, COLUMNS, MAX_ROWS))
    there = await services_of(session, affiliate_id, lock=True)
    wanted = plan(rows, there, {c.slug: c.active for c in await categories(session, all=True)})
    done = [one.service if dry_run else await _done(session, affiliate_id, one) for one in wanted]
    told = [ImportedView.of(one, service) for one, service in zip(wanted, done, strict=True)]
    return ImportView(dry_run=dry_run, services=told)


async def _done(session: AsyncSession, affiliate_id: int, wanted: Wanted) -> Service | None:
    if wanted.service is None:
        return await _add(session, affiliate_id, wanted)
    if wanted.outcome is Outcome.CHANGED:
        row = wanted.first
        wanted.service.revise(
            row.category, row.service, row.description, wanted.tiers, active=row.service_active, at=now()
        )
        await announce_change(session, wanted.service)
    return wanted.service


async def _add(session: AsyncSession, affiliate_id: int, wanted: Wanted) -> Service:
    _, position = await count_and_next_position(session, affiliate_id)
    row = wanted.first
    service = Service.publish(
        affiliate_id,
        row.category,
        row.service,
        row.description,
        wanted.tiers,
        active=row.service_active,
        position=position,
    )
    await announce_new(session, service)
    return service
