"""Opening an account: anybody may ask with any address, and learns nothing of it; whoever reads the address decides.

What is asked is answered before anybody looks whether there is an account: that is done by a task.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.identity import UserRegistered
from shared.outbox import record

from ..domain.account import Account, User, UserRole
from ..domain.proof import Purpose
from ..queries.accounts import find_by_email
from ..queries.proofs import lock_address
from .accounts import add_account
from .forgetting import forget_unverified
from .proofs import come_back, mail_secret, tell_owner_of_address
from .second_factor import Verifier

OPENED_WITH = ("email", "full_name", "locale", "timezone")


async def open_or_tell_owner(session: AsyncSession, wanted: dict[str, Any], password_hash: str) -> None:
    """`wanted` is a RegisterRequest without its password. Of those who only asked so far, the last one counts."""
    await lock_address(session, wanted["email"])
    known = await find_by_email(session, wanted["email"])
    if known and known.is_verified:
        await tell_owner_of_address(session, known)
        return
    if known:
        await forget_unverified(session, [known.id])
    told = {name: wanted[name] for name in OPENED_WITH}
    user = User(**told, role=UserRole(wanted["account"]), email_verified_at=None)
    user.password_hash = password_hash
    await add_account(session, user, phone=wanted["phone"])
    await mail_secret(session, user, Purpose.REGISTRATION)


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
