"""A day long ago in the provider's books, which are compared with ours."""

from datetime import datetime

from sqlalchemy import select, text

from services.payments.commands import days
from services.payments.domain.discrepancy import Discrepancy, DiscrepancyStatus

from .conftest import Till, cancelled

SETTLED = ("payments", "refunds", "disputes", "payouts")


async def compared(till: Till, at: datetime) -> list[str]:
    """The kinds of what is open after that day was compared, with all that we know of heard then."""
    await grows_old(till, at)
    async with till.database.begin() as session:
        await days.begin(session, at.date())
    await till.work()
    await grows_old(till, at)  # what was healed a moment ago is looked at again when it is older
    await till.work()
    return sorted(one.kind for one in await found(till) if one.status is not DiscrepancyStatus.RESOLVED)


async def grows_old(till: Till, at: datetime) -> None:
    async with till.database.begin() as session:
        for table in SETTLED:
            await session.execute(text(f"update {table} set updated_at = :at"), {"at": at})  # noqa: S608
        await session.execute(text("update payments set captured_at = :at where captured_at is not null"), {"at": at})


async def found(till: Till) -> list[Discrepancy]:
    async with till.database.begin() as session:
        return list(await session.scalars(select(Discrepancy).order_by(Discrepancy.id)))


async def sql(till: Till, statement: str) -> None:
    async with till.database.begin() as session:
        await session.execute(text(statement))


async def refunded(till: Till) -> str:
    intent_id = await till.captured()
    await till.hear(cancelled(refund_cents=1_000))
    await till.hand_on(intent_id, "refund.created")
    return intent_id
