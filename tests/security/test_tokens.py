"""Forged, stale, twisted and misused tokens: each gets 401 at each service, not only at the gateway."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.identity.domain.session import new_secret
from shared.auth import LEEWAY, MAX_LIFETIME, MAX_TOKEN, Actor
from shared.testing.tokens import Signer

from .conftest import Door

Claims = dict[str, Any]
Forge = Callable[[Signer, Claims], str]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def segment(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_header(**header: Any) -> Forge:
    """Truly signed, with this header; None takes a field away."""

    def forge(signer: Signer, claims: Claims) -> str:
        told = {"alg": "EdDSA", "typ": "at+jwt", "kid": signer.kid} | header
        signed = f"{segment({k: v for k, v in told.items() if v is not None})}.{segment(claims)}"
        return f"{signed}.{segment(signer.key.sign(signed.encode()))}"

    return forge


def with_claims(**changes: Any) -> Forge:
    """Truly signed, with these claims; None takes one away."""
    return lambda signer, claims: with_header()(signer, {k: v for k, v in (claims | changes).items() if v is not None})


def issued(*, ago: float, lives: float) -> Forge:
    """Truly signed, issued so many seconds ago, for so many seconds."""
    return lambda signer, claims: with_claims(iat=claims["iat"] - int(ago), exp=claims["iat"] - int(ago) + int(lives))(
        signer, claims
    )


def unsigned(alg: str) -> Forge:
    def forge(signer: Signer, claims: Claims) -> str:
        return f"{segment({'alg': alg, 'typ': 'at+jwt', 'kid': signer.kid})}.{segment(claims)}."

    return forge


def keyed_with_public_key(spelling: Callable[[Signer], bytes]) -> Forge:
    """HMAC with what everybody knows, for verifiers that let the token choose the algorithm."""

    def forge(signer: Signer, claims: Claims) -> str:
        signed = f"{segment({'alg': 'HS256', 'typ': 'at+jwt', 'kid': signer.kid})}.{segment(claims)}"
        return f"{signed}.{segment(hmac.digest(spelling(signer), signed.encode(), hashlib.sha256))}"

    return forge


def with_own_key(**header: Any) -> Forge:
    """Signed with a key of the attacker's own, which the header offers."""

    def forge(signer: Signer, claims: Claims) -> str:
        own = Signer(Ed25519PrivateKey.generate(), kid=signer.kid)
        offered = {k: (own.public_keys()["keys"][0] if v == "own key" else v) for k, v in header.items()}
        return own.sign(claims, **offered)

    return forge


def twisted(twist: Callable[[str], str]) -> Forge:
    return lambda signer, claims: twist(signer.sign(claims))


def flipped(part: int, bit: int) -> Forge:
    """One bit of one segment turned over; the spelling stays canonical."""

    def twist(token: str) -> str:
        parts = token.split(".")
        raw = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
        raw[bit // 8] ^= 1 << bit % 8
        parts[part] = segment(bytes(raw))
        return ".".join(parts)

    return twisted(twist)


def respelled(token: str) -> str:
    """The last character of a signature carries four bits that mean nothing: the same signature, another token."""
    return token[:-1] + ALPHABET[ALPHABET.index(token[-1]) ^ 1]


def raw_key(signer: Signer) -> bytes:
    return signer.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def pem_key(signer: Signer) -> bytes:
    return signer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


FAR = {"iat": 253402300000, "exp": 253402300600}

ATTACKS: dict[str, Forge] = {
    "alg none": unsigned("none"),
    "alg nOnE": unsigned("nOnE"),
    "alg EdDSA without a signature": unsigned("EdDSA"),
    "alg missing": with_header(alg=None),
    "alg of another family": with_header(alg="RS256"),
    "HS256 with the raw public key": keyed_with_public_key(raw_key),
    "HS256 with the PEM public key": keyed_with_public_key(pem_key),
    "HS256 with the published x": keyed_with_public_key(lambda s: s.public_keys()["keys"][0]["x"].encode()),
    "typ missing": with_header(typ=None),
    "typ of an ID token": with_header(typ="JWT"),
    "typ of a logout token": with_header(typ="logout+jwt"),
    "kid missing": with_header(kid=None),
    "kid unknown": with_header(kid="another"),
    "kid a number": with_header(kid=1),
    "kid a list": with_header(kid=["test"]),
    "kid a path": with_header(kid="../../etc/passwd"),
    "kid a statement": with_header(kid="x' or '1'='1"),
    "crit of the unknown": with_header(crit=["exp"]),
    "crit of RFC 7797": with_header(b64=False, crit=["b64"]),
    "crit empty": with_header(crit=[]),
    "signed with another key": with_own_key(),
    "signed with another key, offered as jwk": with_own_key(jwk="own key"),
    "signed with another key, offered as jku": with_own_key(jku="http://127.0.0.1:9/jwks.json"),
    "signed with another key, offered as x5u": with_own_key(x5u="http://127.0.0.1:9/key.pem"),
    "expired": issued(ago=600 + LEEWAY + 5, lives=600),
    "expired long ago": issued(ago=86_400, lives=900),
    "issued in the future": issued(ago=-LEEWAY - 60, lives=600),
    "issued in the year 9999": with_claims(**FAR),
    "not valid yet": with_claims(nbf=4102444800),
    "lives longer than 15 minutes": issued(ago=1, lives=MAX_LIFETIME + 1),
    "lives for a year": issued(ago=1, lives=31_536_000),
    "ends before it begins": issued(ago=-20, lives=-10),
    "exp missing": with_claims(exp=None),
    "iat missing": with_claims(iat=None),
    "jti missing": with_claims(jti=None),
    "sub missing": with_claims(sub=None),
    "iss missing": with_claims(iss=None),
    "aud missing": with_claims(aud=None),
    "exp a text": with_claims(exp="soon"),
    "exp beyond all clocks": with_claims(exp=10**400),
    "sub no number": with_claims(sub="admin"),
    "sub a number": with_claims(sub=1),
    "iss of another": with_claims(iss="https://accounts.example.com"),
    "iss a list with ours": with_claims(iss=["mdh-identity"]),
    "aud of another": with_claims(aud="another"),
    "aud a list with ours": with_claims(aud=["mdh"]),
    "aud a list with ours and others": with_claims(aud=["mdh", "another"]),
    "a role that there is not": with_claims(roles=["root"]),
    "affiliates in another form": with_claims(affiliates=[31]),
    "padding appended": twisted(lambda token: token + "="),
    "more padding appended": twisted(lambda token: token + "=="),
    "padding inside": twisted(lambda token: token.replace(".", "=.", 1)),
    "another spelling of the same signature": twisted(respelled),
    "something appended to the signature": twisted(lambda token: token + "AAAA"),
    "a line break inside": twisted(lambda token: f"{token[:50]}\t{token[50:]}"),
    "without a signature": twisted(lambda token: token.rpartition(".")[0] + "."),
    "two segments": twisted(lambda token: token.rpartition(".")[0]),
    "four segments": twisted(lambda token: token + ".AAAA"),
    "five segments, as if encrypted": twisted(lambda token: "..".join(token.split(".", 1)) + ".AAAA"),
    "first bit of the signature turned": flipped(2, 0),
    "last bit of the signature turned": flipped(2, 511),
    "a bit of the claims turned": flipped(1, 40),
    "a header that is no object": twisted(lambda token: segment(b'["EdDSA"]') + token[token.index(".") :]),
    "a header nested without end": twisted(lambda token: segment(b"[" * 4000) + token[token.index(".") :]),
    "claims that are no object": lambda s, _: jwt.api_jws.encode(
        b"[]", s.key, "EdDSA", {"kid": s.kid, "typ": "at+jwt"}
    ),
    "truly signed and huge": with_claims(more="x" * MAX_TOKEN),
    "a megabyte": lambda _s, _c: "A" * 1_000_000,
    "a refresh token": lambda _s, _c: new_secret(),
    "letters outside ASCII": lambda _s, _c: "é.é.é",
    "nothing": lambda _s, _c: "",
}


@pytest.fixture
def claims(signer: Signer, actor: Actor) -> Claims:
    return signer.claims(actor)


async def ask(client: httpx.AsyncClient, door: Door, authorization: str) -> httpx.Response:
    return await client.get(door.path, headers={b"authorization": authorization.encode()})


@pytest.mark.parametrize("forge", ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_token_that_identity_did_not_issue_like_this_is_refused(
    client: httpx.AsyncClient, door: Door, signer: Signer, claims: Claims, forge: Forge
) -> None:
    token = forge(signer, claims)
    answer = await ask(client, door, f"Bearer {token}")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not token or token not in answer.text


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "Token {}", "{}", "Bearer  {} x"])
async def test_a_token_comes_as_bearer_or_not_at_all(
    client: httpx.AsyncClient, door: Door, signer: Signer, claims: Claims, authorization: str
) -> None:
    assert (await ask(client, door, authorization.format(signer.sign(claims)))).status_code == 401


async def test_a_token_is_not_taken_from_query_or_cookie(
    client: httpx.AsyncClient, door: Door, signer: Signer, claims: Claims
) -> None:
    token = signer.sign(claims)
    answer = await client.get(door.path, params={"access_token": token}, headers={"Cookie": f"access_token={token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "forge",
    [
        with_claims(),
        issued(ago=600 + LEEWAY - 15, lives=600),
        issued(ago=-LEEWAY + 15, lives=600),
        issued(ago=1, lives=MAX_LIFETIME),
        with_claims(more="x" * 2_000),
        with_claims(nbf=1),
    ],
    ids=["fresh", "expired within the leeway", "a fast clock", "15 minutes", "more claims", "valid since long ago"],
)
async def test_what_identity_issues_opens_the_door(
    client: httpx.AsyncClient, door: Door, signer: Signer, claims: Claims, forge: Forge
) -> None:
    """The control: without it every test above would pass at a door that never opens."""
    assert (await ask(client, door, f"Bearer {forge(signer, claims)}")).status_code == 200


LEFT_TO_US = (
    "typ of an ID token",
    "typ missing",
    "kid a path",
    "lives for a year",
    "more padding appended",
)


@pytest.mark.parametrize("attack", LEFT_TO_US)
def test_a_plain_jwt_library_would_let_these_in(signer: Signer, attack: str) -> None:
    """The negative control: these attacks are real, and what stops them is `shared.auth`."""
    token = ATTACKS[attack](signer, signer.claims(Actor(user_id=7)))
    assert (
        time.time()
        < jwt.decode(token, signer.key.public_key(), ["EdDSA"], audience="mdh", issuer="mdh-identity", leeway=LEEWAY)[
            "exp"
        ]
    )
