"""Who is asking: access tokens (RFC 9068, EdDSA) verified at each service against identity's key set (RFC 7517)."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from shared import cookies
from shared.context import acting
from shared.errors import Forbidden, Unauthenticated
from shared.keys import ALGORITHM, KeySet
from shared.revocation import Revocations
from shared.settings import Settings
from shared.strict_json import MalformedBody, strict_json

TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068
MAX_LIFETIME = 15 * 60  # seconds
LEEWAY = 30  # seconds
MAX_TOKEN = 8_192  # characters
SAFE = frozenset({"GET", "HEAD"})


class Role(StrEnum):
    CUSTOMER = "customer"
    OWNER = "owner"
    MANAGER = "manager"
    TECHNICIAN = "technician"
    ADMIN = "admin"
    SUPPORT = "support"


STAFF = frozenset({Role.ADMIN, Role.SUPPORT})
TEAM = frozenset({Role.OWNER, Role.MANAGER, Role.TECHNICIAN})


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or service that acts. `affiliates` maps an affiliate's id to the actor's role in its team.

    How the token was come by: `session` is a family of refresh tokens, `api_key` the key of an integrator that was
    exchanged for it (then `scopes` is all that it may do), `impersonator` the member of staff who acts for this user.
    """

    user_id: int | None = None
    roles: frozenset[Role] = frozenset()
    customer_id: int | None = None
    affiliates: dict[int, Role] = field(default_factory=dict)
    service: str | None = None
    session: str | None = None
    api_key: int | None = None
    scopes: frozenset[str] | None = None
    impersonator: int | None = None

    @property
    def subject(self) -> str:
        """Who it was, as the audit trail and every event name it."""
        if self.service:
            return f"service:{self.service}"
        if self.impersonator:
            return f"user:{self.impersonator} as user:{self.user_id}"
        return f"user:{self.user_id} by key:{self.api_key}" if self.api_key else f"user:{self.user_id}"

    @property
    def is_staff(self) -> bool:
        return bool(self.roles & STAFF)

    @property
    def is_admin(self) -> bool:
        return Role.ADMIN in self.roles

    def works_for(self, affiliate_id: int, *roles: Role) -> bool:
        """In the affiliate's team, in one of `roles` (any role of the team if none is named)."""
        held = self.affiliates.get(affiliate_id)
        return held is not None and (not roles or held in roles)

    def runs(self, affiliate_id: int) -> bool:
        return self.works_for(affiliate_id, Role.OWNER, Role.MANAGER)


def _part(segment: str) -> bytes:
    """One segment of a compact JWS; only its canonical spelling, so that a token has no second form (RFC 7515, 2)."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise Unauthenticated
    return raw


def _header(token: str) -> dict[str, Any]:
    segments = token.split(".")
    if len(token) > MAX_TOKEN or len(segments) != 3 or not token.isascii():
        raise Unauthenticated
    raw = [_part(segment) for segment in segments]
    try:
        header, _claims = strict_json(raw[0]), strict_json(raw[1])  # no name twice, no NaN: it says one thing to all
    except MalformedBody as error:
        raise Unauthenticated from error
    wanted = {"alg": ALGORITHM, "typ": TOKEN_TYPE}
    if not isinstance(header, dict) or any(header.get(k) != v for k, v in wanted.items()) or "crit" in header:
        raise Unauthenticated
    return header


async def verify(token: str, keys: KeySet, settings: Settings, revocations: Revocations | None = None) -> Actor:
    """The actor that a token speaks for; `Unauthenticated` for anything that is not exactly what identity issues.

    PyJWT leaves `typ`, `kid`, the spelling and the lifetime unchecked: they are checked here.
    """
    kid = _header(token).get("kid")
    if not isinstance(kid, str):
        raise Unauthenticated
    key = await keys.get(kid)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=settings.token_audience,
            issuer=settings.token_issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"], "strict_aud": True},
        )
        if not 0 < claims["exp"] - claims["iat"] <= MAX_LIFETIME:
            raise Unauthenticated
        actor = actor_of(claims)
    except Exception as error:  # whatever is wrong with a token, the answer is the same
        raise Unauthenticated from error
    if revocations:
        revocations.must_be_good(subjects_of(actor), claims["iat"])
    return actor


def subjects_of(actor: Actor) -> Iterator[str]:
    """Whatever can be ended of a token before its time (`shared.revocation`)."""
    for kind in ("user_id", "impersonator"):
        if (user_id := getattr(actor, kind)) is not None:
            yield f"user:{user_id}"
    if actor.session:
        yield f"session:{actor.session}"
    if actor.api_key:
        yield f"key:{actor.api_key}"


def actor_of(claims: dict[str, Any]) -> Actor:
    """`act` is who really acts (RFC 8693, 4.1), `scope` the words of an API key's scopes (RFC 8693, 4.2)."""
    customer, key, scope, act = (claims.get(name) for name in ("customer", "key", "scope", "act"))
    return Actor(
        user_id=_id(claims["sub"], str),
        roles=frozenset(Role(role) for role in claims.get("roles", ())),
        customer_id=None if customer is None else _id(customer, int),
        affiliates={_id(id, str): Role(role) for id, role in claims.get("affiliates", {}).items()},
        session=None if claims.get("sid") is None else str(UUID(claims["sid"])),
        api_key=None if key is None else _id(key, int),
        scopes=None if scope is None else frozenset(scope.split()),
        impersonator=None if act is None else _id(act["sub"], str),
    )


def _id(claim: Any, kind: type[str] | type[int]) -> int:
    if type(claim) is not kind or not re.fullmatch("[1-9][0-9]{0,18}", str(claim)):
        raise ValueError("no id")
    return int(claim)


def claims_of(actor: Actor) -> dict[str, Any]:
    """The claims that `actor_of` reads back; identity adds those of time and origin."""
    return {
        "sub": str(actor.user_id),
        "roles": sorted(actor.roles),
        "customer": actor.customer_id,
        "affiliates": {str(id): role for id, role in actor.affiliates.items()},
        **({"sid": actor.session} if actor.session else {}),
        **({"key": actor.api_key} if actor.api_key else {}),
        **({"scope": " ".join(sorted(actor.scopes))} if actor.scopes is not None else {}),
        **({"act": {"sub": str(actor.impersonator)}} if actor.impersonator else {}),
    }


class ScopeMissing(Forbidden):
    """This API key is not for that: it would need the scope that `scope` names."""


class NotWhileImpersonating(Forbidden):
    """Only the person can do this, not support in their name."""


def must_be_in_scope(actor: Actor, service: str, method: str) -> None:
    """What came of an API key does what its scopes name, at any route of any service; other tokens have no limits."""
    needed = f"{service}:{'read' if method in SAFE else 'write'}"
    if actor.scopes is not None and needed not in actor.scopes:
        raise ScopeMissing(scope=needed)


def _bearer(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    return token if scheme.lower() == "bearer" else None


# For the document alone; what is done with them is said below.
BEARER = HTTPBearer(scheme_name="bearer", bearerFormat="JWT", auto_error=False, description="identity's access token")
COOKIE = APIKeyCookie(
    name=cookies.ACCESS, scheme_name="cookie", auto_error=False,
    description=f"for browsers: the same token; __Host-{cookies.ACCESS} over https, and only our own pages",
)  # fmt: skip


async def _current(
    request: Request,
    _in_header: Annotated[object, Security(BEARER)] = None,
    _in_cookie: Annotated[object, Security(COOKIE)] = None,
) -> Actor:
    by_cookie = "authorization" not in request.headers
    token = cookies.find(request, cookies.ACCESS) if by_cookie else _bearer(request.headers["authorization"])
    if not token:
        raise Unauthenticated
    state = request.app.state
    actor = await verify(token, state.keys, state.settings, state.revocations)
    if by_cookie and request.method not in SAFE:
        cookies.must_be_ours(request)
    acting(actor.subject)
    must_be_in_scope(actor, state.name, request.method)
    return actor


CurrentActor = Annotated[Actor, Depends(_current)]


async def _visitor(request: Request) -> Actor:
    """For what is public, but shows more to some: whoever sends no token is an actor with no role.

    So is whoever has a cookie that is no longer good: no page could take it away.
    """
    try:
        return await _current(request)
    except Unauthenticated:
        if "authorization" in request.headers:
            raise
        return Actor()


Visitor = Annotated[Actor, Depends(_visitor)]


async def _in_person(actor: CurrentActor) -> None:
    if actor.impersonator is not None:
        raise NotWhileImpersonating


# For what moves money or may come to move it, and for what says who somebody is: `dependencies=[InPerson]`.
InPerson = Depends(_in_person)


class CustomersOnly(Forbidden):
    """Only customers can do this."""


class StaffOnly(Forbidden):
    """Only the platform's staff can do this."""


class AdminsOnly(Forbidden):
    """Only the platform's administrators can do this."""


async def _customer(actor: CurrentActor) -> Actor:
    if actor.customer_id is None:
        raise CustomersOnly
    return actor


async def _staff(actor: CurrentActor, _: Annotated[None, InPerson]) -> Actor:
    if not actor.is_staff:
        raise StaffOnly
    return actor


async def _admin(actor: CurrentActor, _: Annotated[None, InPerson]) -> Actor:
    if not actor.is_admin:
        raise AdminsOnly
    return actor


CurrentCustomer = Annotated[Actor, Depends(_customer)]
CurrentStaff = Annotated[Actor, Depends(_staff)]
CurrentAdmin = Annotated[Actor, Depends(_admin)]
