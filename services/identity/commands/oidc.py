"""Signing in at an OpenID provider."""

from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.identity import SignInLinked, SignInUnlinked, UserRegistered
from shared.db import enforced_by
from shared.errors import ChangedMeanwhile, Refusal
from shared.http import Line
from shared.outbox import record
from shared.platform_config import Feature, must_be_on

from ..clients import CallBack, Provider
from ..domain.account import Account, User, UserRole
from ..domain.oidc import (
    LINK_ONCE,
    ONE_PER_ISSUER,
    AddressNotProven,
    Authorization,
    Claimed,
    Link,
    LinkedOtherwise,
    NoSuchLink,
    OnlyWayIn,
    Secrets,
    SignInDenied,
    SignInLost,
    must_not_be_staff,
)
from ..domain.session import new_secret
from ..queries import oidc as queries
from ..queries.accounts import find_by_email, get_account, lock_user
from ..queries.proofs import lock_address
from ..schemas.fields import Email, Locale, Timezone
from ..schemas.oidc import AuthorizationRequest
from .accounts import add_account
from .forgetting import forget_unverified
from .sessions import Client, CodeNeeded, OpenSession, sign_in

T = TypeVar("T")


@dataclass(frozen=True)
class Departure:
    """A sign-in as its browser gets it: the URL to go to, and the secret to come back with."""

    url: str
    secrets: Secrets
    authorization: Authorization


@dataclass(frozen=True)
class Arrival:
    """A sign-in whose browser came back: who it is at the provider, or why that cannot be said."""

    claimed: Claimed | Refusal
    device: str | None
    return_to: str | None


async def begin(
    session: AsyncSession, provider: Provider, wanted: AuthorizationRequest, browser: str | None, client: Client
) -> Departure:
    """A browser that is at it already keeps its secret, so that a second click does not spoil the first."""
    secrets = Secrets(browser or new_secret(), new_secret())
    url = await provider.authorization_url(secrets)
    device = wanted.device or client.device
    authorization = secrets.begun(provider.name, now(), device=device, return_to=wanted.return_to)
    session.add(authorization)
    return Departure(url, secrets, authorization)


async def arrive(reading: AsyncSession, provider: Provider, secrets: Secrets, back: CallBack) -> Arrival:
    """Ask the provider, in no transaction: it may take its time. `SignInLost` unless this browser began just this."""
    begun = await queries.take_authorization(reading, provider.name, secrets, now())
    await reading.close()
    if begun is None:
        raise SignInLost
    try:
        return Arrival(await _identified(provider, secrets, back), begun.device, begun.return_to)
    except Refusal as refusal:
        return Arrival(refusal, begun.device, begun.return_to)


async def _identified(provider: Provider, secrets: Secrets, back: CallBack) -> Claimed:
    await provider.must_have_answered(back)
    if back.error is not None or back.code is None:
        raise SignInDenied
    return await provider.identify(back.code, secrets)


async def complete(session: AsyncSession, arrival: Arrival, client: Client) -> OpenSession | CodeNeeded:
    """The account that is linked, or the one with the same address if both sides have verified it, or a new one."""
    if isinstance(arrival.claimed, Refusal):
        raise arrival.claimed
    account = await _account_of(session, arrival.claimed)
    must_not_be_staff(account.user)  # whoever came to be after linking
    return sign_in(session, account, Client(arrival.device or client.device, client.address))


async def _account_of(session: AsyncSession, claimed: Claimed) -> Account:
    """Locked, so that whoever ends its tokens waits until ours are out, or we until they are ended."""
    if link := await queries.find_link(session, claimed):
        link.last_used_at = now()
        return await get_account(session, link.user_id, lock=True)
    address = _sound(Email, claimed.proven_address())
    if address is None:
        raise AddressNotProven
    await lock_address(session, address)
    user = await _verified_with(session, address)
    if user is None:
        return await _opened(session, claimed, address)
    account = await get_account(session, user.id, lock=True)
    must_not_be_staff(account.user)
    await _link(session, account.user, claimed)
    return account


async def _verified_with(session: AsyncSession, address: str) -> User | None:
    """Who only asked for an account with this address is forgotten: whoever signs in has shown that it is theirs, and
    must not take over a password that somebody else may have chosen."""
    user = await find_by_email(session, address)
    if user and not user.is_verified:
        await forget_unverified(session, [user.id])
        user = await find_by_email(session, address)  # verified meanwhile
    return user


async def _opened(session: AsyncSession, claimed: Claimed, address: str) -> Account:
    """A customer's account without a password; whoever reads the address can give it one."""
    user = User(
        email=address,
        full_name=_sound(Line, claimed.name) or address.partition("@")[0],
        role=UserRole.CUSTOMER,
        locale=_sound(Locale, claimed.locale) or "en-US",
        timezone=_sound(Timezone, claimed.timezone) or "UTC",
        email_verified_at=now(),
    )
    await must_be_on(session, Feature.REGISTRATION)
    account = await add_account(session, user)
    record(session, UserRegistered.of(user, **account.of_customer))
    await _link(session, user, claimed)
    return account


async def _link(session: AsyncSession, user: User, claimed: Claimed) -> None:
    await queries.forget_closed(session, claimed)
    session.add(Link.of(user, claimed, now()))
    with enforced_by(ONE_PER_ISSUER, LinkedOtherwise), enforced_by(LINK_ONCE, ChangedMeanwhile):
        await session.flush()
    user.version += 1
    record(session, SignInLinked.of(user, provider=claimed.provider))


async def unlink(session: AsyncSession, actor: Actor, link_id: int) -> None:
    user = await lock_user(session, actor.user_id)
    links = {link.id: link for link in await queries.links_of(session, user.id)}
    if (link := links.get(link_id)) is None:
        raise NoSuchLink
    if not user.has_password and len(links) == 1:
        raise OnlyWayIn
    await _unlink(session, user, link)


async def unlink_other_addresses(session: AsyncSession, user: User) -> None:
    """Whoever resets the password has shown to read the account's address: who had the account before has nothing that
    shows as much, if their address at the provider is another."""
    for link in await queries.links_of(session, user.id):
        if link.email.lower() != user.email.lower():
            await _unlink(session, user, link)


async def _unlink(session: AsyncSession, user: User, link: Link) -> None:
    await session.delete(link)
    user.version += 1
    record(session, SignInUnlinked.of(user, provider=link.provider))


def _sound(kind: type[T], told: str | None) -> T | None:
    """What a provider says of somebody, if we would take it from themselves."""
    try:
        return TypeAdapter(kind).validate_python(told)
    except ValidationError:
        return None
