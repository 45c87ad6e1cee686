"""What a provider never signs, signed with its key: none of it opens anything."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User
from services.identity.domain.oidc import Link

from ..conftest import problem_of
from ..openid import CLIENT_ID, CLIENT_SECRET, Between, OpenIdServer
from .browser import count, sign_in


def forged(server: OpenIdServer, sign: Callable[[dict[str, Any]], str] | None = None, **changes: Any) -> Any:
    """Another ID token in the token endpoint's answer; None takes a claim away."""

    def twist(told: dict[str, Any]) -> dict[str, Any]:
        claims = json.loads(base64.urlsafe_b64decode(told["id_token"].split(".")[1] + "=="))
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return told | {"id_token": (sign or server.sign)(claims)}

    return twist


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any]) -> str:
    return f"{segment({'alg': 'none'})}.{segment(claims)}."


def with_secret(claims: dict[str, Any]) -> str:
    """HS256 with the client's secret: truly ours and the provider's, yet not what it says that it signs with."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET))


def with_own_key(claims: dict[str, Any]) -> str:
    return OpenIdServer({}, RSAKey.generate_key(2048, {"kid": "provider-1"})).sign(claims)


FORGERIES: dict[str, dict[str, Any]] = {
    "nonce of another sign-in": {"nonce": "x" * 43},
    "nonce missing": {"nonce": None},
    "iss of another": {"iss": "https://evil.example.com"},
    "iss missing": {"iss": None},
    "aud of another": {"aud": "another"},
    "aud missing": {"aud": None},
    "aud of several without azp": {"aud": [CLIENT_ID, "another"]},
    "azp of another": {"aud": [CLIENT_ID, "another"], "azp": "another"},
    "expired": {"exp": int(time.time()) - 120},
    "exp missing": {"exp": None},
    "exp a text": {"exp": "soon"},
    "iat in the future": {"iat": int(time.time()) + 600},
    "iat missing": {"iat": None},
    "not valid yet": {"nbf": int(time.time()) + 600},
    "at_hash of another access token": {"at_hash": "x" * 22},
    "sub missing": {"sub": None},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 1},
    "sub too long": {"sub": "x" * 256},
    "unsigned": {"sign": unsigned},
    "signed with the client's secret": {"sign": with_secret},
    "signed with another key": {"sign": with_own_key},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_an_id_token_that_is_not_for_this_sign_in_opens_nothing(
    client: httpx.AsyncClient, between: Between, openid: OpenIdServer, session: AsyncSession, forgery: dict[str, Any]
) -> None:
    between.twists["/token"] = forged(openid, **forgery)
    assert problem_of(await sign_in(client, provider="signed")) == (502, "provider-unsound")
    assert (await count(session, User), await count(session, Link)) == (0, 0)


async def test_an_id_token_signed_anew_is_taken_if_all_is_as_it_should_be(
    client: httpx.AsyncClient, between: Between, openid: OpenIdServer
) -> None:
    """The control: without it every test above would pass with a line that is cut."""
    between.twists["/token"] = forged(openid, aud=[CLIENT_ID, "another"], azp=CLIENT_ID)
    assert (await sign_in(client, provider="signed")).status_code == 200


async def test_a_bit_of_the_signature_turned_opens_nothing(client: httpx.AsyncClient, between: Between) -> None:
    def twist(told: dict[str, Any]) -> dict[str, Any]:
        head, _, signature = told["id_token"].rpartition(".")
        return told | {"id_token": f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"}

    between.twists["/token"] = twist
    assert problem_of(await sign_in(client)) == (502, "provider-unsound")


async def test_userinfo_of_somebody_else_is_not_taken(client: httpx.AsyncClient, between: Between) -> None:
    between.twists["/me"] = lambda told: told | {"sub": "eve"}
    assert problem_of(await sign_in(client)) == (502, "provider-unsound")


async def test_keys_that_are_new_are_read_anew(
    client: httpx.AsyncClient, between: Between, app: FastAPI, openid: OpenIdServer
) -> None:
    between.twists["/jwks"] = lambda told: {"keys": [key | {"kid": "provider-0"} for key in told["keys"]]}
    assert problem_of(await sign_in(client)) == (502, "provider-unsound")
    between.twists.clear()
    assert (await sign_in(client)).status_code == 200


async def test_only_algorithms_with_a_key_of_the_providers_own_are_taken(
    client: httpx.AsyncClient, between: Between, openid: OpenIdServer
) -> None:
    """Even if it says that it signs with a secret, and tells everybody which."""
    shared = OctKey.import_key(CLIENT_SECRET, {"kid": "shared"})
    between.twists |= {
        "/.well-known/openid-configuration": lambda told: told | {"id_token_signing_alg_values_supported": ["HS256"]},
        "/jwks": lambda _told: {"keys": [shared.as_dict(private=True)]},
        "/token": forged(openid, sign=lambda claims: jwt.encode({"alg": "HS256", "kid": "shared"}, claims, shared)),
    }
    assert problem_of(await sign_in(client)) == (502, "provider-unsound")
