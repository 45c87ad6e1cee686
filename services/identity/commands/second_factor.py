"""The second factor: setting it up, asking for it, doing without."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import RecoveryCodeUsed, SecondFactorDisabled, SecondFactorEnabled
from shared.outbox import record

from ..domain import second_factor as rules
from ..domain.account import Account, User, WrongPassword
from ..domain.limits import CONFIRM, SECOND_FACTOR
from ..domain.second_factor import (
    ONE_TIME,
    RECOVERY,
    ChallengeEnded,
    NoSecondFactor,
    RecoveryCode,
    SecondFactor,
    SecondFactorOn,
    WrongCode,
)
from ..domain.session import digest
from ..domain.staff import must_be_in_charge
from ..limits import Limits
from ..passwords import Passwords
from ..queries import second_factor as queries
from ..queries.accounts import get_account, lock_user, password_of
from ..queries.users import get_user
from ..vault import Vault
from .sessions import Client, OpenSession, open_session


@dataclass(frozen=True)
class Enrolment:
    """What an app needs to know: `secret` exists here and in the answer; in the database it is sealed."""

    secret: str
    uri: str


@dataclass(frozen=True)
class GoodCode:
    """A code that is right, and still to be spent: the step of an app's code, or the hash of a recovery code."""

    step: int | None
    recovery_hash: bytes | None


@dataclass(frozen=True)
class Verifier:
    """What passwords and codes are compared with, both before the transaction begins: it waits for no hash, and what
    was tried stays counted when it is refused."""

    reading: AsyncSession
    limits: Limits
    passwords: Passwords
    vault: Vault

    async def must_know_password(self, actor: Actor, password: str) -> str:
        """`WrongPassword`, or the hash that it matches."""
        await self.limits.spend(CONFIRM, actor.user_id)
        known = await password_of(self.reading, actor.user_id)
        await self.reading.close()  # no connection is kept while the hash waits for its turn
        if not await self.passwords.match(password, known) or known is None:
            raise WrongPassword
        return known

    async def judge(self, user_id: int | None, sealed: bytes, code: str) -> GoodCode:
        """`WrongCode` unless it is good, as far as one can tell before it is spent."""
        code = rules.plain(code)
        if RECOVERY.fullmatch(code):
            return GoodCode(None, digest(code))
        if not ONE_TIME.fullmatch(code):
            raise WrongCode
        await self.limits.spend(SECOND_FACTOR, user_id)
        if (step := rules.step_of(code, self.vault.open(sealed), now())) is None:
            raise WrongCode
        return GoodCode(step, None)


async def enrol(session: AsyncSession, verifier: Verifier, actor: Actor, password: str) -> Enrolment:
    """A secret for an app; asked for only after `confirm`. Again: another secret instead."""
    await verifier.must_know_password(actor, password)
    user = await lock_user(session, actor.user_id)
    if user.second_factor_at:
        raise SecondFactorOn
    secret = rules.new_secret()
    sealed = verifier.vault.seal(secret)
    if factor := await queries.find_factor(session, user.id):
        factor.secret = sealed
    else:
        session.add(SecondFactor(user_id=user.id, secret=sealed))
    return Enrolment(secret, rules.enrolment_uri(secret, user.email))


async def confirm(session: AsyncSession, verifier: Verifier, actor: Actor, code: str) -> list[str]:
    """The app shows the right code: from now on it is asked for. Answers the recovery codes."""
    await verifier.limits.spend(SECOND_FACTOR, actor.user_id)
    user = await lock_user(session, actor.user_id)
    if user.second_factor_at:
        raise SecondFactorOn
    factor = await queries.find_factor(session, user.id)
    if factor is None or not factor.waits(now()):
        raise NoSecondFactor
    factor.last_step = rules.step_of(rules.plain(code), verifier.vault.open(factor.secret), now())
    if factor.last_step is None:
        raise WrongCode
    user.switch_second_factor(on=now())
    record(session, SecondFactorEnabled.of(user))
    return await _new_recovery_codes(session, user)


async def disable(session: AsyncSession, verifier: Verifier, actor: Actor, password: str, code: str) -> None:
    await _switch_off(session, await _proven(session, verifier, actor, password, code))


async def take_off(session: AsyncSession, by: Actor, user_id: int, version: int | None, reason: str) -> Account:
    """For whoever has lost the app and all recovery codes, and has shown an administrator who they are."""
    account = await get_user(session, user_id, lock=True)
    account.user.expect(version)
    must_be_in_charge(by, account.user)
    if account.user.second_factor_at is None:
        raise NoSecondFactor
    await _switch_off(session, account.user, reason)
    await session.flush()  # so that the answer has the new `updated_at`
    return account


async def _switch_off(session: AsyncSession, user: User, reason: str = "") -> None:
    if factor := await queries.find_factor(session, user.id):
        await session.delete(factor)
    await queries.forget_recovery_codes(session, user.id)
    user.switch_second_factor(on=None)
    record(session, SecondFactorDisabled.of(user, reason=reason))


async def renew_recovery_codes(
    session: AsyncSession, verifier: Verifier, actor: Actor, password: str, code: str
) -> list[str]:
    """Ten new ones; those before are no longer good."""
    return await _new_recovery_codes(session, await _proven(session, verifier, actor, password, code))


async def complete_sign_in(
    session: AsyncSession, verifier: Verifier, secret: str, code: str, client: Client
) -> OpenSession:
    """The session that the first factor was shown for. Every code that is sent counts against the challenge."""
    challenge = await queries.try_challenge(verifier.reading, digest(secret), now())
    await verifier.reading.close()
    if challenge is None:
        raise ChallengeEnded
    good = await verifier.judge(challenge.user_id, challenge.sealed, code)
    account = await get_account(session, challenge.user_id, lock=True)
    if account.user.version != challenge.user_version:
        raise ChallengeEnded
    account.user.must_be_active()
    await _spend(session, account.user, good)
    if not await queries.use_challenge(session, challenge, now()):
        raise ChallengeEnded
    return open_session(session, account, Client(challenge.device, client.address))


async def _proven(session: AsyncSession, verifier: Verifier, actor: Actor, password: str, code: str) -> User:
    """Who shows both factors, locked."""
    await verifier.must_know_password(actor, password)
    sealed = await queries.sealed_secret(verifier.reading, actor.user_id)
    await verifier.reading.close()
    if sealed is None:
        raise NoSecondFactor
    good = await verifier.judge(actor.user_id, sealed, code)
    user = await lock_user(session, actor.user_id)
    if user.second_factor_at is None:
        raise NoSecondFactor
    await _spend(session, user, good)
    return user


async def _spend(session: AsyncSession, user: User, good: GoodCode) -> None:
    if good.step is not None:
        spent = await queries.spend_step(session, user.id, good.step)
    else:
        assert good.recovery_hash is not None
        spent = await queries.spend_recovery_code(session, user.id, good.recovery_hash, now())
    if not spent:
        raise WrongCode
    if good.recovery_hash:
        user.version += 1
        record(session, RecoveryCodeUsed.of(user, codes_left=await queries.codes_left(session, user.id)))


async def _new_recovery_codes(session: AsyncSession, user: User) -> list[str]:
    await queries.forget_recovery_codes(session, user.id)
    codes = rules.new_recovery_codes()
    session.add_all(RecoveryCode(user_id=user.id, code_hash=digest(rules.plain(code))) for code in codes)
    return codes
