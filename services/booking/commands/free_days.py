"""Telling on which days affiliates can still be booked."""

from sqlalchemy import bindparam, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import FreeDaysChanged
from shared.outbox import record

from ..domain.free_days import FreeDays
from ..queries.free_days import calendars_of, claim_free_days

_ROW = insert(FreeDays.__table__).values(affiliate_id=bindparam("affiliate_id"), due_at=func.now())  # type: ignore[arg-type]
DUE_AGAIN = _ROW.on_conflict_do_update(
    index_elements=["affiliate_id"], set_={"due_at": func.now()}, where=FreeDays.due_at > func.now()
)


async def note_schedule_change(session: AsyncSession, *affiliate_ids: int) -> None:
    """Have their free days looked at; locked, even if that is due anyway: not before this transaction has ended."""
    await session.execute(DUE_AGAIN, [{"affiliate_id": affiliate_id} for affiliate_id in sorted(affiliate_ids)])


async def note_change_for_all(session: AsyncSession) -> None:
    """The same for every affiliate."""
    await session.execute(update(FreeDays).values(due_at=func.now()))


async def tell_free_days(session: AsyncSession, *, limit: int) -> bool:
    """Look at affiliates that are due, and tell of those of which something else was told. False: none was due."""
    if not (due := await claim_free_days(session, limit=limit)):
        return False
    calendars = await calendars_of(session, [told.affiliate_id for told in due])
    for told in due:
        if told.become(calendars.get(told.affiliate_id)):
            record(session, FreeDaysChanged.of(told))
    await session.flush()
    return True
