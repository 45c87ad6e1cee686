"""Another e-mail address: confirmed at the new one, told at the old."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.identity import EmailChanged, UserChanged
from shared.db import enforced_by
from shared.outbox import record

from ..domain.account import EMAIL_ONCE, EmailTaken
from ..domain.proof import Purpose
from ..queries.accounts import find_account, find_by_email
from ..queries.proofs import end_proofs, lock_address
from .forgetting import forget_unverified
from .proofs import come_back, mail_secret, tell_owner_of_address
from .second_factor import Verifier


async def mail_change(session: AsyncSession, user_id: int, email: str) -> None:
    """The link, to the new address. If it is another's already, only they learn of it."""
    await lock_address(session, email)
    account, known = await find_account(session, user_id), await find_by_email(session, email)
    if account is None:
        return
    if known and known.is_verified and known.id != user_id:
        await tell_owner_of_address(session, known)
    else:
        await mail_secret(session, account.user, Purpose.EMAIL_CHANGE, to=email)


async def confirm_change(session: AsyncSession, verifier: Verifier, secret: str, password: str) -> None:
    """`EmailTaken` if somebody else has verified the address meanwhile; who only asked with it does not count."""
    proven = await come_back(session, verifier, Purpose.EMAIL_CHANGE, secret, password)
    proof, user = proven.proof, proven.account.user
    known = await find_by_email(session, proof.email)
    if known and not known.is_verified:
        await forget_unverified(session, [known.id])
    old = user.email
    user.move_to(proof.email, now())
    with enforced_by(EMAIL_ONCE, EmailTaken):
        await session.flush()
    await end_proofs(session, user.id)
    record(session, UserChanged.of(user, **proven.account.of_customer))
    told = {"full_name": user.full_name, "locale": user.locale, "timezone": user.timezone}
    record(session, EmailChanged.of(proof, old_email=old, **told))
