"""When an affiliate works, for those who look at it or change it."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.booking import AvailabilityChanged
from shared.outbox import BusinessEvent
from shared.platform_config import THE_ONE, PlatformConfig

from ..domain.availability import Availability, Crew, NoSuchCrew
from ..domain.exceptions import AvailabilityException
from ..domain.offer import NotYourAffiliate
from ..domain.schedule_settings import ScheduleSettings
from ..schemas.availability import AvailabilityView, WindowView
from .offers import get_affiliate
from .slots import lock_schedule

AHEAD = AvailabilityException.last_day >= func.current_date() - 1  # wherever on the globe it is


async def schedule_to_change(session: AsyncSession, actor: Actor, affiliate_id: int) -> None:
    """Locked, and only for those who run the affiliate, or staff."""
    if not (actor.runs(affiliate_id) or actor.is_staff):
        raise NotYourAffiliate
    await get_affiliate(session, affiliate_id)
    await lock_schedule(session, affiliate_id)


async def must_be_of_the_house(session: AsyncSession, actor: Actor, affiliate_id: int) -> None:
    """For its team, and staff."""
    if not (actor.works_for(affiliate_id) or actor.is_staff):
        raise NotYourAffiliate
    await get_affiliate(session, affiliate_id)


async def availability_of(session: AsyncSession, affiliate_id: int) -> AvailabilityView:
    affiliate = await get_affiliate(session, affiliate_id)
    statement = select(Availability).where(Availability.affiliate_id == affiliate_id)
    rows = await session.scalars(statement.order_by(Availability.weekday, Availability.opens_minute, Availability.id))
    windows = [WindowView.model_validate(window) for window in rows]
    return AvailabilityView(affiliate_id=affiliate_id, timezone=affiliate.timezone, windows=windows)


async def next_availability_version(session: AsyncSession, affiliate_id: int) -> int:
    """Windows are replaced all at once and have no row that counts: what was told of them does. Under the schedule's
    lock."""
    of = (BusinessEvent.aggregate_type == AvailabilityChanged.aggregate, BusinessEvent.aggregate_id == affiliate_id)
    return (await session.scalar(select(func.max(BusinessEvent.aggregate_version)).where(*of)) or 0) + 1


async def settings_of(session: AsyncSession, affiliate_id: int) -> ScheduleSettings:
    """The defaults if it never set any."""
    found = await session.scalar(select(ScheduleSettings).where(ScheduleSettings.affiliate_id == affiliate_id))
    return found or ScheduleSettings.usual(affiliate_id)


async def find_config(session: AsyncSession) -> PlatformConfig | None:
    return await session.get(PlatformConfig, THE_ONE)


async def crews_of(session: AsyncSession, affiliate_id: int) -> Sequence[Crew]:
    """All of them, also those that are sent out no more, in the order in which they are tried."""
    return (await session.scalars(select(Crew).where(Crew.affiliate_id == affiliate_id).order_by(Crew.id))).all()


async def crew_of(session: AsyncSession, affiliate_id: int, crew_id: int) -> Crew:
    crew = await session.get(Crew, crew_id)
    if crew is None or crew.affiliate_id != affiliate_id:
        raise NoSuchCrew
    return crew


async def must_have_crews(session: AsyncSession, affiliate_id: int, crew_ids: Collection[int]) -> None:
    if crew_ids and not set(crew_ids) <= {crew.id for crew in await crews_of(session, affiliate_id)}:
        raise NoSuchCrew


async def exceptions_ahead(session: AsyncSession, affiliate_id: int) -> Sequence[AvailabilityException]:
    """Those that are not over, in their order."""
    ahead = select(AvailabilityException).where(AvailabilityException.affiliate_id == affiliate_id, AHEAD)
    order = ahead.order_by(AvailabilityException.first_day, AvailabilityException.from_minute, AvailabilityException.id)
    return (await session.scalars(order)).all()


async def count_exceptions_ahead(session: AsyncSession, affiliate_id: int) -> int:
    counted = select(func.count()).where(AvailabilityException.affiliate_id == affiliate_id, AHEAD)
    return await session.scalar(counted) or 0
