"""What happens to where an affiliate comes to."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.catalog import AffiliateChanged
from shared.outbox import record
from shared.places import UnknownZip, is_known

from ..domain.affiliate import Affiliate
from ..queries.affiliates import affiliate_for
from ..schemas.service_area import ServiceAreaRequest

MOST_NAMED = 20  # of the unknown zip codes, in the refusal


async def set_service_area(
    session: AsyncSession, actor: Actor, affiliate_id: int, version: int | None, wanted: ServiceAreaRequest
) -> Affiliate:
    """What changes nothing is no change: no version, no event."""
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_run_by(actor)
    affiliate.expect(version)
    must_be_known(wanted.service_zips)
    if affiliate.cover(wanted.service_radius_m, wanted.service_zips):
        record(session, AffiliateChanged.of(affiliate))
    return affiliate


def must_be_known(zips: Sequence[str]) -> None:
    if unknown := [zip for zip in zips if not is_known(zip)]:
        raise UnknownZip(zips=unknown[:MOST_NAMED])
