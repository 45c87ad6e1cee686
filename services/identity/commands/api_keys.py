"""Making, exchanging and revoking the keys of integrators."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import ApiKeyCreated, ApiKeyRevoked
from shared.outbox import record

from ..domain.api_key import MOST_KEYS, ApiKey, TooManyApiKeys, WrongApiKey, digest_of, new_key
from ..domain.limits import API_KEY
from ..limits import Limits
from ..queries.accounts import get_account
from ..queries.api_keys import find_api_key, good_keys_of, lock_api_key
from ..schemas.api_keys import ApiKeyRequest


@dataclass(frozen=True)
class Made:
    """A new key: `secret` exists here and in the answer, nowhere else."""

    key: ApiKey
    secret: str


@dataclass(frozen=True)
class Exchanged:
    """Whom the token speaks for, and for how many seconds the key itself is still good."""

    actor: Actor
    seconds_left: int


async def make_api_key(session: AsyncSession, actor: Actor, wanted: ApiKeyRequest) -> Made:
    """For what its maker is now, whatever their token says."""
    maker, at = await get_account(session, actor.user_id, lock=True), now()
    maker.user.must_be_active()
    if await good_keys_of(session, maker.user.id, at) >= MOST_KEYS:
        raise TooManyApiKeys
    secret, expires_at = new_key(), at + timedelta(days=wanted.expires_in_days)
    told = wanted.model_dump(include={"name", "affiliate_id"})
    key = ApiKey.make(maker, secret, **told, scopes=set(wanted.scopes), expires_at=expires_at)
    session.add(key)
    await session.flush()
    record(session, ApiKeyCreated.of(key))
    return Made(key, secret)


async def exchange(session: AsyncSession, limits: Limits, secret: str) -> Exchanged:
    """Whatever is wrong with a key, the answer is the same."""
    await limits.spend(API_KEY, secret)
    found, at = await find_api_key(session, digest_of(secret)), now()
    if found is None:
        raise WrongApiKey
    key, maker = found
    actor = key.speaks_for(maker, at)
    key.note_use(at)
    return Exchanged(actor, max(int((key.expires_at - at).total_seconds()), 1))


async def revoke_api_key(session: AsyncSession, actor: Actor, api_key_id: int) -> None:
    """Its tokens end everywhere."""
    key, at = await lock_api_key(session, actor, api_key_id), now()
    if key.revoke(at):
        record(session, ApiKeyRevoked.of(key, api_key=key.id, tokens_end_at=at))
