"""People of every kind, as rows: for tests of what is done to accounts, not of how they are opened."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.identity.domain.account import AffiliateUser, Customer, User, UserRole
from services.identity.passwords import Passwords
from shared.auth import Actor, Role
from shared.db import Database

from .conftest import PASSWORD

Make = Callable[..., Awaitable[Actor]]


def making(database: Database) -> Make:
    """`await make("ada", UserRole.CUSTOMER)`: an account with that name and PASSWORD, and who it is to the services."""

    async def make(name: str, role: UserRole = UserRole.AFFILIATE, teams: dict[int, Role] | None = None) -> Actor:
        user = User(email=f"{name}@example.com", role=role, full_name=name.title(), locale="en-US", timezone="UTC")
        user.password_hash = await Passwords(at_once=1).hash(PASSWORD)
        told: dict[str, Any] = {}
        async with database.begin() as session:
            session.add(user)
            await session.flush()
            if role is UserRole.CUSTOMER:
                session.add(customer := Customer(user_id=user.id))
                await session.flush()
                told = {"customer_id": customer.id, "roles": frozenset({Role.CUSTOMER})}
            session.add_all(AffiliateUser(affiliate_id=id, user_id=user.id, role=r) for id, r in (teams or {}).items())
        if user.is_staff:
            told = {"roles": frozenset({Role(role)})}
        return Actor(user_id=user.id, affiliates=teams or {}, **told)

    return make
