"""A name for invoices: given, replaced, taken back. What is issued stays as it is."""

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.personal import is_erased

from ..domain.billing_name import BillingName, NoBillingName


async def give_billing_name(session: AsyncSession, customer_id: int, name: str, address: list[str]) -> BillingName:
    """Whoever was erased a moment ago has none any more."""
    if await is_erased(session, f"customer:{customer_id}"):
        raise NoBillingName
    said = {"name": name, "address": address}
    row = insert(BillingName).values({"customer_id": customer_id, **said})
    kept = row.on_conflict_do_update(index_elements=["customer_id"], set_={**said, "updated_at": func.now()})
    return (await session.scalars(kept.returning(BillingName))).one()


async def take_back_billing_name(session: AsyncSession, customer_id: int) -> None:
    await session.execute(delete(BillingName).where(BillingName.customer_id == customer_id))
