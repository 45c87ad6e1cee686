"""Forgetting somebody: their account is closed at once, their data goes when no token of theirs can be alive."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.booking import ErasurePutOff
from shared.contracts.identity import ErasureAccepted, ErasureRequested, UserErased
from shared.contracts.personal import DataErased
from shared.outbox import record
from shared.provision import SERVICES

from ..domain.account import Account
from ..domain.erasure import BookingLive, Erasure, ErasureStatus, StillOwner
from ..domain.session import digest, new_secret
from ..domain.team import LastOwner
from ..queries import erasures as queries
from .closing import close_account
from .second_factor import Verifier


async def request_erasure(
    session: AsyncSession, verifier: Verifier, actor: Actor, password: str, delay: timedelta
) -> tuple[Erasure, str]:
    """Says the secret by which it can be followed; it exists in this answer and in the mail, nowhere else.

    It takes the password: whoever has found an open browser is not yet its owner.
    """
    await verifier.must_know_password(actor, password)
    account = await _close(session, actor)
    secret = new_secret()
    erasure = Erasure.of(account, digest(secret), now() + delay)
    session.add(erasure)
    await session.flush()
    user = account.user
    to = {"email": user.email, "full_name": user.full_name, "timezone": user.timezone}
    record(session, ErasureAccepted.of(erasure, secret=secret, **to))
    return erasure, secret


async def _close(session: AsyncSession, actor: Actor) -> Account:
    """What is refused after the first step is undone."""
    try:
        account = await close_account(session, actor)
    except LastOwner:
        raise StillOwner from None
    if await queries.has_live_booking(session, account.customer_id):
        raise BookingLive
    return account


async def leave_time_to_mail(session: AsyncSession, erasure_id: int) -> None:
    (await queries.lock_erasure(session, erasure_id)).leave_time_to_mail(now())


async def begin_due_erasures(session: AsyncSession, at: datetime, *, limit: int) -> None:
    for erasure in await queries.claim_due_erasures(session, at, limit=limit):
        erasure.ask(at)
        record(session, ErasureRequested.of(erasure))


async def put_off(session: AsyncSession, told: ErasurePutOff) -> None:
    erasure = await queries.lock_erasure(session, told.erasure_receipt_id)
    if erasure.version == told.version:  # else it was asked again since
        erasure.put_off(told.until, now())


async def collect_receipt(session: AsyncSession, service: str, told: DataErased) -> None:
    """With the last one it is done."""
    erasure = await queries.lock_erasure(session, told.erasure_receipt_id)
    await queries.keep_receipt(session, {"erasure_id": erasure.id, "service": service, "counts": told.counts})
    receipts = await queries.receipts_of(session, erasure.id)
    if erasure.status is not ErasureStatus.DONE and {receipt.service for receipt in receipts} == set(SERVICES):
        erasure.finish(now())
        user = await queries.lock_former_user(session, erasure.user_id)
        user.version += 1
        record(session, UserErased.of(user, customer_id=erasure.customer_id))
