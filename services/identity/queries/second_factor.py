"""Reading second factors, and spending what is good once: each in one statement, so that nobody comes between."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.account import User
from ..domain.second_factor import (
    TRIES_OF_A_CHALLENGE,
    Challenge,
    RecoveryCode,
    SecondFactor,
)


class FactorState(NamedTuple):
    on_since: datetime | None
    codes_left: int


class OpenChallenge(NamedTuple):
    id: int
    user_id: int
    user_version: int
    device: str | None
    sealed: bytes


async def state_of(session: AsyncSession, user_id: int | None) -> FactorState:
    left = select(func.count()).where(RecoveryCode.user_id == User.id, RecoveryCode.used_at.is_(None))
    of = select(User.second_factor_at, left.scalar_subquery()).where(User.id == user_id)
    return FactorState(*(await session.execute(of)).one())


async def find_factor(session: AsyncSession, user_id: int) -> SecondFactor | None:
    return await session.get(SecondFactor, user_id)


async def codes_left(session: AsyncSession, user_id: int) -> int:
    of = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return await session.scalar(of) or 0


async def forget_recovery_codes(session: AsyncSession, user_id: int) -> None:
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


async def try_challenge(reading: AsyncSession, challenge_hash: bytes, at: datetime) -> OpenChallenge | None:
    """Count one code against it, for good: in autocommit, so that a refusal does not undo it."""
    tried = (
        update(Challenge)
        .where(
            Challenge.challenge_hash == challenge_hash,
            Challenge.user_id == SecondFactor.user_id,
            Challenge.used_at.is_(None),
            Challenge.expires_at > at,
            Challenge.tries < TRIES_OF_A_CHALLENGE,
        )
        .values(tries=Challenge.tries + 1)
        .returning(Challenge.id, Challenge.user_id, Challenge.user_version, Challenge.device, SecondFactor.secret)
    )
    row = (await reading.execute(tried)).one_or_none()
    return OpenChallenge(*row) if row else None


async def use_challenge(session: AsyncSession, challenge: OpenChallenge, at: datetime) -> bool:
    used = update(Challenge).where(Challenge.id == challenge.id, Challenge.used_at.is_(None)).values(used_at=at)
    return (await session.execute(used.returning(Challenge.id))).first() is not None


async def sealed_secret(session: AsyncSession, user_id: int | None) -> bytes | None:
    """None as long as no code is asked for."""
    of = select(SecondFactor.secret).join(User, User.id == SecondFactor.user_id)
    return await session.scalar(of.where(User.id == user_id, User.second_factor_at.is_not(None)))


async def spend_step(session: AsyncSession, user_id: int, step: int) -> bool:
    """Whether this step's code had not been taken, nor a later one. Whoever comes at the same moment waits."""
    spent = (
        update(SecondFactor)
        .where(SecondFactor.user_id == user_id, func.coalesce(SecondFactor.last_step, 0) < step)
        .values(last_step=step)
    )
    return (await session.execute(spent.returning(SecondFactor.user_id))).first() is not None


async def spend_recovery_code(session: AsyncSession, user_id: int, code_hash: bytes, at: datetime) -> bool:
    spent = (
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None))
        .values(used_at=at)
    )
    return (await session.execute(spent.returning(RecoveryCode.id))).first() is not None
