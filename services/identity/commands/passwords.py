"""A new password: for who knows the old one, and for who reads the address."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import PasswordChanged
from shared.outbox import record

from ..domain.account import Account, User, WrongPassword
from ..domain.password import must_be_uncommon
from ..domain.proof import Purpose
from ..passwords import Passwords
from ..queries.accounts import find_by_email, get_account
from ..queries.proofs import end_proofs, get_proven
from ..queries.sessions import end_sessions
from .oidc import unlink_other_addresses
from .proofs import mail_secret
from .registrations import announce_verified
from .second_factor import Verifier
from .sessions import Client, OpenSession, open_session


async def change_password(
    session: AsyncSession, verifier: Verifier, actor: Actor, client: Client, old: str, new: str
) -> OpenSession:
    """All sessions end; whoever has changed it goes on with a new one."""
    known = await verifier.must_know_password(actor, old)
    password_hash = await verifier.passwords.hash(new)
    account = await get_account(session, actor.user_id, lock=True)
    if account.user.password_hash != known:
        raise WrongPassword  # it was changed while we looked
    must_be_uncommon(new, about=_known_of(account.user))
    await _take(session, account, password_hash)
    return open_session(session, account, client)


async def mail_reset(session: AsyncSession, email: str) -> None:
    """The link, to whoever has an account; also to who has not verified the address so far: this does it, too."""
    if user := await find_by_email(session, email):
        await mail_secret(session, user, Purpose.PASSWORD_RESET)


async def reset_password(
    session: AsyncSession, reading: AsyncSession, passwords: Passwords, secret: str, password: str
) -> None:
    """By who has shown to read the address, which is verified by that."""
    asked = await get_proven(reading, Purpose.PASSWORD_RESET, secret, lock=False)
    must_be_uncommon(password, about=_known_of(asked.account.user))
    await reading.close()  # no connection is kept while the hash waits for its turn
    password_hash = await passwords.hash(password)
    proven = await get_proven(session, Purpose.PASSWORD_RESET, secret)
    proven.proof.use(now())
    if not proven.account.user.is_verified:
        announce_verified(session, proven.account)
    await _take(session, proven.account, password_hash)
    await unlink_other_addresses(session, proven.account.user)


async def _take(session: AsyncSession, account: Account, password_hash: str) -> None:
    at = now()  # after the lock: a token that was issued before it is older than this
    account.user.take_password(password_hash)
    record(session, PasswordChanged.of(account.user, customer_id=account.customer_id, tokens_end_at=at))
    await session.flush()
    await end_sessions(session, account.user.id)
    await end_proofs(session, account.user.id)


def _known_of(user: User) -> tuple[str, str]:
    return user.email, user.full_name
