"""In whose name customers want their papers."""

from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.billing_name import BillingName, NoBillingName


async def find_billing_name(session: AsyncSession, customer_id: int) -> BillingName | None:
    return await session.get(BillingName, customer_id)


async def get_billing_name(session: AsyncSession, customer_id: int) -> BillingName:
    found = await find_billing_name(session, customer_id)
    if found is None:
        raise NoBillingName
    return found
