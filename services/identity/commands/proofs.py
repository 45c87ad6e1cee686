"""Mails that ask or tell somebody who reads an address."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.contracts.identity import EmailVerificationRequested, RegistrationRepeated, SecretMailed
from shared.outbox import record

from ..domain.account import User
from ..domain.proof import Purpose
from ..queries.proofs import proof_of

ASKED_BY: dict[Purpose, type[SecretMailed]] = {Purpose.REGISTRATION: EmailVerificationRequested}


async def mail_secret(session: AsyncSession, user: User, purpose: Purpose) -> None:
    """Not so soon after the last one: else anybody could fill anybody's mailbox."""
    proof = await proof_of(session, user, purpose)
    if proof.was_asked_just_now(now()):
        return
    secret = proof.ask(user.email, now())
    await session.flush()
    told = {"locale": user.locale, "timezone": user.timezone, "secret": secret}
    record(session, ASKED_BY[purpose].of(proof, **told))


async def tell_owner_of_address(session: AsyncSession, user: User) -> None:
    """Somebody wants an account with this address: its owner may have forgotten theirs."""
    proof = await proof_of(session, user, Purpose.KNOWN_ADDRESS)
    if proof.was_asked_just_now(now()):
        return
    proof.ask(user.email, now())
    await session.flush()
    told = {name: getattr(user, name) for name in ("full_name", "locale", "timezone")}
    record(session, RegistrationRepeated.of(proof, **told))
