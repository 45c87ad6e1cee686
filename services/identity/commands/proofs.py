"""Mails that ask or tell somebody who reads an address."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.identity import (
    EmailChangeRequested,
    EmailVerificationRequested,
    PasswordResetRequested,
    RegistrationRepeated,
    SecretMailed,
)
from shared.outbox import record

from ..domain.account import User
from ..domain.limits import CONFIRM
from ..domain.proof import NotThisPassword, Purpose
from ..queries.proofs import Proven, get_proven, proof_of
from .second_factor import Verifier

ASKED_BY: dict[Purpose, type[SecretMailed]] = {
    Purpose.REGISTRATION: EmailVerificationRequested,
    Purpose.PASSWORD_RESET: PasswordResetRequested,
    Purpose.EMAIL_CHANGE: EmailChangeRequested,
}
TOLD = ("full_name", "locale", "timezone")


async def mail_secret(session: AsyncSession, user: User, purpose: Purpose, *, to: str | None = None) -> None:
    """To the user's own address or to another. Not so soon after the last one: nobody's mailbox is to be filled."""
    proof = await proof_of(session, user, purpose)
    if proof.was_asked_just_now(now()):
        return
    secret = proof.ask(to or user.email, now())
    await session.flush()
    record(session, ASKED_BY[purpose].of(proof, **_told(user), secret=secret))


async def come_back(session: AsyncSession, verifier: Verifier, purpose: Purpose, secret: str, password: str) -> Proven:
    """The secret, from somebody who also knows the account's password: the link alone makes nobody's password good.

    Whoever reads the address may not be who asked: they would give it to the account of a stranger.
    """
    asked = await get_proven(verifier.reading, purpose, secret, lock=False)
    asked.proof.must_be_good(now())
    user_id, known = asked.account.user.id, asked.account.user.password_hash
    await verifier.reading.close()  # no connection is kept while the hash waits for its turn
    await verifier.limits.spend(CONFIRM, user_id)
    if not await verifier.passwords.match(password, known):
        raise NotThisPassword
    proven = await get_proven(session, purpose, secret)
    if proven.account.user.password_hash != known:
        raise NotThisPassword  # it was changed while we looked
    proven.proof.use(now())
    return proven


async def tell_owner_of_address(session: AsyncSession, user: User) -> None:
    """Somebody wants an account with this address: its owner may have forgotten theirs."""
    proof = await proof_of(session, user, Purpose.KNOWN_ADDRESS)
    if proof.was_asked_just_now(now()):
        return
    proof.ask(user.email, now())
    await session.flush()
    record(session, RegistrationRepeated.of(proof, **_told(user)))


def _told(user: User) -> dict[str, str]:
    return {name: getattr(user, name) for name in TOLD}
