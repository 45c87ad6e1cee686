"""People with an account and a token, without the way there."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import Customer, User, UserRole
from shared.auth import Actor, Role
from shared.testing.plugin import Headers

from .conftest import PASSWORD


@dataclass(frozen=True)
class Signed:
    """Somebody, with the headers of their requests."""

    user_id: int
    customer_id: int
    email: str
    headers: Headers


async def signed_in(session: AsyncSession, app: FastAPI, as_: Callable[[Actor], Headers], name: str) -> Signed:
    """A customer of this name."""
    email = f"{name.split()[0].lower()}@example.com"
    user = User(email=email, role=UserRole.CUSTOMER, full_name=name, locale="en-US", timezone="UTC")
    user.password_hash = await app.state.passwords.hash(PASSWORD)
    session.add(user)
    await session.flush()
    customer = Customer(user_id=user.id, phone="+15125550100")
    session.add(customer)
    await session.flush()
    actor = Actor(user_id=user.id, customer_id=customer.id, roles=frozenset({Role.CUSTOMER}))
    return Signed(user.id, customer.id, email, as_(actor))
