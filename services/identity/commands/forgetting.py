"""Accounts that nobody ever used."""

from collections.abc import Sequence

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.account import Customer, User
from ..queries.accounts import lock_unverified

FORGET_KEYS = text("delete from person_keys where person = any(:people)")


async def forget_unverified(session: AsyncSession, user_ids: Sequence[int]) -> None:
    """As if they had never asked: with the key, what the audit trail has of them. Who is verified meanwhile stays."""
    ids = await lock_unverified(session, user_ids)
    await session.execute(delete(Customer).where(Customer.user_id.in_(ids)))
    await session.execute(delete(User).where(User.id.in_(ids)))
    await session.execute(FORGET_KEYS, {"people": [f"user:{id}" for id in ids]})
