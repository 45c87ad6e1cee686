"""Reading proofs of addresses, with those whom they are about."""

from typing import NamedTuple

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.account import Account, User
from ..domain.proof import AddressProof, LinkNoLongerGood, Purpose
from ..domain.session import digest
from .accounts import account_of, accounts

LOCK_ADDRESS = text("select pg_advisory_xact_lock(hashtextextended('address ' || lower(:email), 0))")


class Proven(NamedTuple):
    """A proof whose secret came back, and the account that it is for, locked."""

    proof: AddressProof
    account: Account


async def lock_address(session: AsyncSession, email: str) -> None:
    """Whoever opens an account with this address, or moves one to it, goes one after the other."""
    await session.execute(LOCK_ADDRESS, {"email": email})


async def get_proven(session: AsyncSession, purpose: Purpose, secret: str, *, lock: bool = True) -> Proven:
    statement = (
        accounts()
        .add_columns(AddressProof)
        .join(AddressProof, AddressProof.user_id == User.id)
        .where(AddressProof.token_hash == digest(secret), AddressProof.purpose == purpose)
        .execution_options(populate_existing=True)
    )
    if lock:  # the proof too: of those who use one link at once, all but the first find that it is used
        statement = statement.with_for_update(of=[User, AddressProof])
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise LinkNoLongerGood
    return Proven(row[3], account_of(row[0], row[1], row[2]))


async def end_proofs(session: AsyncSession, user_id: int) -> None:
    """No link that was sent before is good any more: it was asked for by whoever had the account until now."""
    of = (AddressProof.user_id == user_id) & AddressProof.token_hash.is_not(None)
    await session.execute(update(AddressProof).where(of).values(token_hash=None))


async def proof_of(session: AsyncSession, user: User, purpose: Purpose) -> AddressProof:
    """The one that there is, locked, or a new one."""
    mine = select(AddressProof).where(AddressProof.user_id == user.id, AddressProof.purpose == purpose)
    found = await session.scalar(mine.with_for_update())
    if found is None:
        found = AddressProof.unasked(user.id, purpose)
        session.add(found)
    return found
