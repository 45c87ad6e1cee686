"""The attacks on access tokens: each a way to make one that identity would not have issued like this."""

import base64
import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.identity.domain.session import new_secret
from shared.auth import LEEWAY, MAX_LIFETIME, MAX_TOKEN
from shared.testing.tokens import Signer

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


def with_raw_claims(change: Callable[[str], str]) -> Forge:
    """Truly signed, with claims that no JSON library would write like this."""

    def forge(signer: Signer, claims: Claims) -> str:
        told = segment({"alg": "EdDSA", "typ": "at+jwt", "kid": signer.kid})
        signed = f"{told}.{segment(change(json.dumps(claims)).encode())}"
        return f"{signed}.{segment(signer.key.sign(signed.encode()))}"

    return forge


def with_raw_header(change: Callable[[str], str]) -> Forge:
    def forge(signer: Signer, claims: Claims) -> str:
        told = change(json.dumps({"alg": "EdDSA", "typ": "at+jwt", "kid": signer.kid}))
        signed = f"{segment(told.encode())}.{segment(claims)}"
        return f"{signed}.{segment(signer.key.sign(signed.encode()))}"

    return forge


def and_also(claim: str, value: Any) -> Forge:
    """The claim a second time: one library reads the first, another the last."""
    return with_raw_claims(lambda text: f'{{"{claim}": {json.dumps(value)}, {text[1:]}')


def of_a_removed_key(_signer: Signer, claims: Claims) -> str:
    """Truly signed, by a key that identity published until a while ago."""
    return Signer(Ed25519PrivateKey.generate(), kid="2020-01").sign(claims)


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
    "a role twice nested": with_claims(roles=[["customer"]]),
    "roles a number": with_claims(roles=5),
    "customer a text": with_claims(customer="7"),
    "customer none at all": with_claims(customer=0),
    "sid no UUID": with_claims(sid="mine"),
    "sid a number": with_claims(sid=5),
    "sid a list": with_claims(sid=["0197a000-0000-7000-8000-000000000001"]),
    "sid empty": with_claims(sid=""),
    "act a text": with_claims(act="2"),
    "act nobody": with_claims(act={}),
    "act a list": with_claims(act=[{"sub": "2"}]),
    "act of a number": with_claims(act={"sub": 2}),
    "act of a name": with_claims(act={"sub": "admin"}),
    "act of a negative": with_claims(act={"sub": "-2"}),
    "scope a list": with_claims(scope=["booking:read", "identity:read"]),
    "scope a number": with_claims(scope=7),
    "scope an object": with_claims(scope={"booking:read": True}),
    "key a text": with_claims(key="3"),
    "key none at all": with_claims(key=0),
    "key a negative": with_claims(key=-3),
    "key true": with_claims(key=True),
    "key a fraction": with_claims(key=3.5),
    "exp NaN": with_claims(exp=math.nan),
    "exp Infinity": with_claims(exp=math.inf),
    "exp minus Infinity": with_claims(exp=-math.inf),
    "exp 1e400": with_raw_claims(lambda text: re.sub(r'"exp": [0-9.]+', '"exp": 1e400', text)),
    "exp true": with_claims(exp=True),
    "exp a list": with_claims(exp=[4102444800]),
    "exp digits in a text": lambda signer, claims: with_claims(exp=str(int(claims["exp"])))(signer, claims),
    "exp negative": with_claims(exp=-1),
    "iat NaN": with_claims(iat=math.nan),
    "iat Infinity": with_claims(iat=math.inf),
    "iat minus Infinity": with_claims(iat=-math.inf),
    "iat beyond all clocks": with_claims(iat=10**400),
    "iat a text": with_claims(iat="now"),
    "iat digits in a text": lambda signer, claims: with_claims(iat=str(int(claims["iat"])))(signer, claims),
    "iat null": with_raw_claims(lambda text: re.sub(r'"iat": [0-9.]+', '"iat": null', text)),
    "iat true": with_claims(iat=True),
    "jti a number": with_claims(jti=5),
    "iss in other letters": with_claims(iss="MDH-identity"),
    "iss with a slash": with_claims(iss="mdh-identity/"),
    "aud in other letters": with_claims(aud="MDH"),
    "aud empty": with_claims(aud=""),
    "sub twice": and_also("sub", "1"),
    "exp twice": and_also("exp", 4102444800),
    "roles twice": and_also("roles", ["admin"]),
    "iss twice": and_also("iss", "https://accounts.example.com"),
    "sid twice": with_raw_claims(lambda text: f'{{"sid": null, "sid": null, {text[1:]}'),
    "alg twice": with_raw_header(lambda text: '{"alg": "none", ' + text[1:]),
    "kid twice": with_raw_header(lambda text: '{"kid": "another", ' + text[1:]),
    "a header with a byte order mark": with_raw_header(lambda text: "\ufeff" + text),
    "claims with something after them": with_raw_claims(lambda text: text + " {}"),
    "claims nested without end": with_raw_claims(lambda text: text[:-1] + ', "x": ' + "[" * 500 + "]" * 500 + "}"),
    "typ in capitals": with_header(typ="AT+JWT"),
    "typ with its family": with_header(typ="application/at+jwt"),
    "typ of a DPoP proof": with_header(typ="dpop+jwt"),
    "typ a list": with_header(typ=["at+jwt"]),
    "alg in other letters": with_header(alg="eddsa"),
    "alg by the curve's name": with_header(alg="Ed25519"),
    "alg a list": with_header(alg=["EdDSA"]),
    "kid a path to the key": with_header(kid="../signing-keys/test"),
    "kid with a file's ending": with_header(kid="test.pem"),
    "kid with a NUL": with_header(kid="test\x00"),
    "kid an address": with_header(kid="http://127.0.0.1:9/jwks.json"),
    "kid empty": with_header(kid=""),
    "kid in other letters": with_header(kid="TEST"),
    "kid of a key that was removed": of_a_removed_key,
    "kid of their own, found by jku": with_header(kid="own", jku="http://127.0.0.1:9/jwks.json"),
    "signed with another key, offered as x5c": with_own_key(x5c="own key"),
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
