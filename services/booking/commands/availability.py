"""When an affiliate works."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.booking import AvailabilityChanged, ExceptionAdded, ExceptionRemoved, ScheduleSettingsChanged
from shared.db import enforced_by
from shared.outbox import record

from ..domain.availability import WINDOW_MAKES_SENSE, WINDOWS_NO_OVERLAP, Availability, WindowsOverlap
from ..domain.exceptions import (
    EXCEPTIONS_NO_OVERLAP,
    MOST_EXCEPTIONS,
    AvailabilityException,
    ExceptionsOverlap,
    NoSuchException,
    TooManyExceptions,
)
from ..domain.schedule_settings import ScheduleSettings
from ..queries.availability import (
    count_exceptions_ahead,
    find_config,
    must_have_crews,
    next_availability_version,
    schedule_to_change,
    settings_of,
)
from ..schemas.availability import AvailabilityRequest
from ..schemas.exceptions import ExceptionRequest
from ..schemas.schedule_settings import ScheduleSettingsRequest
from .free_days import note_schedule_change


async def set_availability(session: AsyncSession, actor: Actor, affiliate_id: int, wanted: AvailabilityRequest) -> None:
    """Replace the weekly windows. Bookings that stand are kept."""
    await schedule_to_change(session, actor, affiliate_id)
    await must_have_crews(session, affiliate_id, {w.crew_id for w in wanted.windows if w.crew_id})
    await session.execute(delete(Availability).where(Availability.affiliate_id == affiliate_id))
    windows = [
        Availability(
            affiliate_id=affiliate_id,
            opens_minute=window.opens,
            closes_minute=window.closes,
            **window.model_dump(exclude={"opens", "closes"}),
        )
        for window in wanted.windows
    ]
    session.add_all(windows)
    with enforced_by(WINDOWS_NO_OVERLAP, WindowsOverlap), enforced_by(WINDOW_MAKES_SENSE, WindowsOverlap):
        await session.flush()
    about = {"availability_id": affiliate_id, "affiliate_id": affiliate_id, "windows": windows}
    told = about | {"version": await next_availability_version(session, affiliate_id)}
    record(session, AvailabilityChanged.model_validate(told))
    await note_schedule_change(session, affiliate_id)


async def set_schedule_settings(
    session: AsyncSession, actor: Actor, affiliate_id: int, version: int | None, wanted: ScheduleSettingsRequest
) -> ScheduleSettings:
    await schedule_to_change(session, actor, affiliate_id)
    settings = await settings_of(session, affiliate_id)
    settings.expect(version)
    settings.change(wanted.model_dump(), await find_config(session))
    session.add(settings)
    await session.flush()
    record(session, ScheduleSettingsChanged.of(settings))
    await note_schedule_change(session, affiliate_id)
    return settings


async def add_exception(
    session: AsyncSession, actor: Actor, affiliate_id: int, wanted: ExceptionRequest
) -> AvailabilityException:
    """Bookings that stand are kept."""
    await schedule_to_change(session, actor, affiliate_id)
    await must_have_crews(session, affiliate_id, {wanted.crew_id} if wanted.crew_id else set())
    if await count_exceptions_ahead(session, affiliate_id) >= MOST_EXCEPTIONS:
        raise TooManyExceptions(most=MOST_EXCEPTIONS)
    exception = AvailabilityException(
        affiliate_id=affiliate_id,
        from_minute=wanted.from_time,
        to_minute=wanted.to_time,
        note=wanted.note or "",
        **wanted.model_dump(exclude={"from_time", "to_time", "note"}),
    )
    session.add(exception)
    with enforced_by(EXCEPTIONS_NO_OVERLAP, ExceptionsOverlap):
        await session.flush()
    record(session, ExceptionAdded.of(exception, version=1))
    await note_schedule_change(session, affiliate_id)
    return exception


async def remove_exception(session: AsyncSession, actor: Actor, affiliate_id: int, exception_id: int) -> None:
    await schedule_to_change(session, actor, affiliate_id)
    exception = await session.get(AvailabilityException, exception_id)
    if exception is None or exception.affiliate_id != affiliate_id:
        raise NoSuchException
    record(session, ExceptionRemoved.of(exception, version=2))
    await session.delete(exception)
    await note_schedule_change(session, affiliate_id)
