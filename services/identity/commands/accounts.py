"""Opening an account, and changing it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.identity import UserChanged, UserRegistered
from shared.db import enforced_by
from shared.outbox import record

from ..domain.account import EMAIL_ONCE, Account, Customer, EmailTaken, User, UserRole
from ..domain.password import must_be_uncommon
from ..passwords import Passwords
from ..queries.accounts import get_account


async def open_account(
    session: AsyncSession, passwords: Passwords, user: User, password: str, *, phone: str | None = None
) -> Account:
    """An account that can be used at once, made by an operator. `user` comes without its hash."""
    must_be_uncommon(password, about=(user.email, user.full_name))
    user.password_hash = await passwords.hash(password)  # before the first statement: no connection waits for it
    account = await add_account(session, user, phone=phone)
    record(session, UserRegistered.of(user, **account.of_customer))
    return account


async def add_account(session: AsyncSession, user: User, *, phone: str | None = None) -> Account:
    """For a customer, with the customer that other services know."""
    session.add(user)
    with enforced_by(EMAIL_ONCE, EmailTaken):
        await session.flush()
    customer = Customer(user_id=user.id, phone=phone) if user.role is UserRole.CUSTOMER else None
    if customer:
        session.add(customer)
        await session.flush()
    return Account(user, customer, {})


async def change_me(session: AsyncSession, actor: Actor, version: int | None, wanted: dict[str, Any]) -> Account:
    account = await get_account(session, actor.user_id)
    account.user.expect(version)
    if account.change(wanted):
        record(session, UserChanged.of(account.user, **account.of_customer))
        await session.flush()  # so that the answer has the new `updated_at`
    return account
