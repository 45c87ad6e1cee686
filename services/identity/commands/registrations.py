"""Opening an account: anybody may ask with any address, and learns nothing of it; whoever reads the address decides.

What is asked is answered before anybody looks whether there is an account: that is done by a task.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.identity import UserRegistered
from shared.outbox import record

from ..domain.account import Account, Customer, User, UserRole
from ..domain.proof import Purpose
from ..queries.accounts import find_by_email, lock_account_with
from ..queries.proofs import lock_address
from .accounts import add_account
from .proofs import come_back, mail_secret, tell_owner_of_address
from .second_factor import Verifier

OPENED_WITH = ("email", "full_name", "locale", "timezone")


async def open_or_tell_owner(session: AsyncSession, wanted: dict[str, Any], password_hash: str) -> None:
    """`wanted` is a RegisterRequest without its password. Of those who only asked so far, the last one counts: the link
    of a mail that was sent a moment ago is good for them, with their password, so that asking fills nobody's mailbox.
    """
    await lock_address(session, wanted["email"])
    known = await lock_account_with(session, wanted["email"])
    if known and known.user.is_verified:
        await tell_owner_of_address(session, known.user)
        return
    told: dict[str, Any] = {name: wanted[name] for name in OPENED_WITH} | {"role": UserRole(wanted["account"])}
    if known:
        user = known.user
        user.register_again(told, password_hash, now())
        await _be_customer(session, known, wanted["phone"])
    else:
        user = User(**told, email_verified_at=None)
        user.password_hash = password_hash
        await add_account(session, user, phone=wanted["phone"])
    await mail_secret(session, user, Purpose.REGISTRATION)


async def _be_customer(session: AsyncSession, account: Account, phone: str | None) -> None:
    """Or none, as the user's role says by now."""
    customer = account.customer
    if customer and account.user.role is UserRole.CUSTOMER:
        customer.phone = phone
    elif customer:
        await session.delete(customer)
    elif account.user.role is UserRole.CUSTOMER:
        session.add(Customer(user_id=account.user.id, phone=phone))
    await session.flush()


async def verify(session: AsyncSession, verifier: Verifier, secret: str, password: str) -> None:
    """The account becomes one, and others hear of it."""
    proven = await come_back(session, verifier, Purpose.REGISTRATION, secret, password)
    announce_verified(session, proven.account)


def announce_verified(session: AsyncSession, account: Account) -> None:
    account.user.verify(now())
    record(session, UserRegistered.of(account.user, **account.of_customer))


async def mail_again(session: AsyncSession, email: str) -> None:
    """The link once more, to whoever still has to verify the address."""
    known = await find_by_email(session, email)
    if known and not known.is_verified:
        await mail_secret(session, known, Purpose.REGISTRATION)
