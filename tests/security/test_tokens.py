"""Forged, stale, twisted and misused tokens: each gets 401 at each service, not only at the gateway."""

import time

import httpx
import jwt
import pytest

from shared.auth import LEEWAY, MAX_LIFETIME, Actor
from shared.testing.tokens import Signer

from .attacks import ATTACKS, Claims, Forge, issued, with_claims
from .conftest import Door


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


@pytest.mark.parametrize("forge", ATTACKS.values(), ids=ATTACKS.keys())
async def test_it_is_no_better_in_a_cookie(
    client: httpx.AsyncClient, door: Door, signer: Signer, claims: Claims, forge: Forge
) -> None:
    answer = await client.get(door.path, headers={b"cookie": f"mdh_access={forge(signer, claims)}".encode()})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_token_is_not_taken_from_the_query_or_any_cookie(
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
