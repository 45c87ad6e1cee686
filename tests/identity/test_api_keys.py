"""Keys of integrators: made and shown once, exchanged for tokens, dead with whoever made them."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import UserRole
from services.identity.domain.api_key import KEY, MOST_KEYS, ApiKey, Scope
from shared.auth import Actor, Role, actor_of
from shared.clock import frozen, now
from shared.contracts.identity import ApiKeyCreated, ApiKeyRevoked
from shared.db import Database
from shared.provision import SERVICES
from shared.testing.plugin import Deliver, Headers, Published, recorded_in

from .conftest import problem_of
from .people import Make, making

As = Callable[[Actor], Headers]
MakeKey = Callable[..., Awaitable[httpx.Response]]
Exchange = Callable[[str], Awaitable[httpx.Response]]
Statements = Callable[[], AbstractContextManager[list[str]]]
PATH = "/identity/v1/api-keys"
WANTED: dict[str, Any] = {"name": "Till", "affiliate_id": 31, "scopes": ["booking:read", "booking:write"]}
WRONG = (401, "wrong-api-key")


@pytest.fixture
def make(database: Database) -> Make:
    return making(database)


@pytest.fixture
async def owner(make: Make) -> Actor:
    return await make("owen", UserRole.AFFILIATE, {31: Role.OWNER, 32: Role.MANAGER, 33: Role.TECHNICIAN})


@pytest.fixture
async def admin(make: Make) -> Actor:
    return await make("root", UserRole.ADMIN)


@pytest.fixture
def make_key(client: httpx.AsyncClient, as_: As) -> MakeKey:
    return making_keys(client, as_)


def making_keys(client: httpx.AsyncClient, as_: As) -> MakeKey:
    async def make_key(by: Actor, **more: Any) -> httpx.Response:
        return await client.post(PATH, json=WANTED | more, headers=as_(by))

    return make_key


@pytest.fixture
def exchange(client: httpx.AsyncClient) -> Exchange:
    return lambda key: client.post("/identity/v1/tokens", json={"api_key": key})


@pytest.fixture
async def key(make_key: MakeKey, owner: Actor) -> str:
    answer = await make_key(owner)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["api_key"])


def claims_in(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    claims: dict[str, Any] = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return claims


# -- making --


async def test_a_key_is_shown_once_and_kept_as_its_hash(
    make_key: MakeKey, owner: Actor, client: httpx.AsyncClient, as_: As, session: AsyncSession, published: Published
) -> None:
    answer = await make_key(owner)
    made = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    match = KEY.fullmatch(made["api_key"])
    assert match
    assert match[1] == made["prefix"]
    stored = await session.scalar(select(ApiKey))
    assert stored is not None
    assert stored.secret_hash == hashlib.sha256(made["api_key"].encode()).digest()
    listed = await client.get(PATH, headers=as_(owner))
    [event] = await published(ApiKeyCreated)
    for kept in (str(vars(stored)), listed.text, event.model_dump_json()):
        assert made["api_key"].split(f"{made['prefix']}_", 1)[1] not in kept
    assert listed.json()["items"] == [{name: value for name, value in made.items() if name != "api_key"}]
    assert (event.user_id, event.affiliate_id, event.scopes) == (owner.user_id, 31, WANTED["scopes"])


@pytest.mark.parametrize(
    ("by", "wanted", "refusal"),
    [
        ("owner", {"affiliate_id": 32}, None),
        ("owner", {"affiliate_id": 33}, "keys-are-for-affiliates"),
        ("owner", {"affiliate_id": 34}, "keys-are-for-affiliates"),
        ("owner", {"affiliate_id": None}, "keys-are-for-affiliates"),
        ("customer", {}, "keys-are-for-affiliates"),
        ("customer", {"affiliate_id": None, "scopes": ["booking:read"]}, "keys-are-for-affiliates"),
        ("support", {"affiliate_id": None, "scopes": ["booking:read"]}, "keys-are-for-affiliates"),
        ("admin", {"affiliate_id": None, "scopes": ["booking:read", "payments:read"]}, None),
        ("admin", {"affiliate_id": None, "scopes": ["booking:read", "booking:write"]}, "platform-keys-read"),
        ("admin", {}, "keys-are-for-affiliates"),
    ],
)
async def test_who_makes_keys_for_what(
    by: str, wanted: dict[str, Any], refusal: str | None, make: Make, owner: Actor, admin: Actor, make_key: MakeKey
) -> None:
    people = {
        "owner": owner, "admin": admin, "customer": await make("ada", UserRole.CUSTOMER),
        "support": await make("sue", UserRole.SUPPORT),
    }  # fmt: skip
    answer = await make_key(people[by], **wanted)
    assert (None if answer.status_code == 201 else problem_of(answer)[1]) == refusal


async def test_what_the_token_says_of_a_team_is_not_enough(
    make_key: MakeKey, owner: Actor, session: AsyncSession
) -> None:
    await session.execute(text("update affiliate_users set role = 'technician' where affiliate_id = 31"))
    assert problem_of(await make_key(owner)) == (403, "keys-are-for-affiliates")


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []}, {"scopes": ["identity:write"]}, {"scopes": ["payments:write"]}, {"scopes": ["booking:*"]},
        {"scopes": ["booking:read", "booking:read"]}, {"scopes": "booking:read"}, {"expires_in_days": 366},
        {"expires_in_days": 0}, {"name": ""}, {"affiliate_id": 0}, {"prefix": "abcdefgh"},
    ],
)  # fmt: skip
async def test_what_no_key_can_be(wrong: dict[str, Any], make_key: MakeKey, owner: Actor) -> None:
    assert problem_of(await make_key(owner, **wrong)) == (422, "invalid-request")


def test_scopes_are_those_of_every_service_but_for_who_somebody_is_and_money() -> None:
    every = {f"{service}:{half}" for service in SERVICES for half in ("read", "write")}
    assert set(Scope) == every - {"identity:write", "payments:write"}


async def test_twenty_keys_are_enough_even_at_once(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    owner = await making(fresh_database)("owen", UserRole.AFFILIATE, {31: Role.OWNER})
    make_key = making_keys(fresh_client, as_)
    answers = await asyncio.gather(*(make_key(owner) for _ in range(MOST_KEYS + 5)))
    assert Counter(answer.status_code for answer in answers) == {201: MOST_KEYS, 409: 5}
    await fresh_client.delete(f"{PATH}/1", headers=as_(owner))
    assert (await make_key(owner)).status_code == 201


# -- exchanging --


async def test_a_key_is_exchanged_for_its_makers_role_in_the_one_affiliate(
    key: str, exchange: Exchange, owner: Actor
) -> None:
    answer = await exchange(key)
    claims = claims_in(answer)
    actor = actor_of(claims)
    assert (answer.headers["cache-control"], claims["exp"] - claims["iat"]) == ("no-store", 900)
    assert (actor.user_id, actor.roles, actor.customer_id) == (owner.user_id, frozenset(), None)
    assert (actor.affiliates, actor.scopes) == ({31: Role.OWNER}, frozenset(WANTED["scopes"]))
    assert actor.subject == f"user:{owner.user_id} by key:{actor.api_key}"
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 900, "booking:read booking:write")


async def test_the_role_is_the_one_that_its_maker_has_now(key: str, exchange: Exchange, session: AsyncSession) -> None:
    await session.execute(text("update affiliate_users set role = 'technician' where affiliate_id = 31"))
    assert actor_of(claims_in(await exchange(key))).affiliates == {31: Role.TECHNICIAN}


async def test_a_key_for_the_platform_reads_as_the_staff_that_made_it(
    make_key: MakeKey, exchange: Exchange, admin: Actor, session: AsyncSession
) -> None:
    secret = (await make_key(admin, affiliate_id=None, scopes=["booking:read"])).json()["api_key"]
    actor = actor_of(claims_in(await exchange(secret)))
    assert (sorted(actor.roles), actor.affiliates, actor.scopes) == ([Role.ADMIN], {}, frozenset({"booking:read"}))
    await session.execute(text("update users set role = 'affiliate' where id = :id"), {"id": admin.user_id})
    assert problem_of(await exchange(secret)) == WRONG


DEAD: dict[str, Callable[[str], str]] = {
    "unknown": lambda key: key[:-43] + "A" * 43,
    "another prefix": lambda key: "mdh_live_aaaaaaaa" + key[17:],
    "truncated": lambda key: key[:-1],
    "longer": lambda key: key + "A",
    "spaced": lambda key: key + " ",
    "test": lambda key: key.replace("live", "test"),
    "empty": lambda key: "",
    "odd": lambda key: key[:-1] + "\u00e9",
}


@pytest.mark.parametrize("change", DEAD)
async def test_a_key_that_is_not_exactly_one_is_one_refusal(change: str, key: str, exchange: Exchange) -> None:
    answers = [await exchange(DEAD[change](key)), await exchange("mdh_live_aaaaaaaa_" + "A" * 43)]
    assert [problem_of(answer) for answer in answers] == [WRONG, WRONG]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    "ending",
    [
        "update users set status = 'suspended'",
        "update users set deleted_at = now()",
        "update affiliate_users set removed_at = now()",
        "update api_keys set revoked_at = now()",
        "update api_keys set created_at = now() - interval '2 days', expires_at = now() - interval '1 second'",
    ],
)
async def test_without_its_maker_or_after_its_time_a_key_is_the_same_refusal(
    ending: str, key: str, exchange: Exchange, session: AsyncSession
) -> None:
    await session.execute(text(ending))
    assert problem_of(await exchange(key)) == WRONG


async def test_a_token_does_not_outlive_its_key(key: str, exchange: Exchange, session: AsyncSession) -> None:
    await session.execute(update(ApiKey).values(expires_at=now() + timedelta(seconds=60)))
    answer = await exchange(key)
    claims = claims_in(answer)
    assert claims["exp"] - claims["iat"] == answer.json()["expires_in"] <= 60


async def test_an_exchange_is_two_statements_and_notes_its_use_once_a_minute(
    key: str, exchange: Exchange, statements: Statements, session: AsyncSession
) -> None:
    at = now()
    for after, count in ((0, 3), (1, 2), (59, 2), (60, 3), (61, 2)):
        with frozen(at + timedelta(seconds=after)), statements() as sent:
            assert (await exchange(key)).status_code == 200
        assert len(sent) == count, (after, sent)
    assert await session.scalar(select(func.count()).where(ApiKey.last_used_at.is_not(None))) == 1


# -- seeing and revoking --


async def test_who_sees_and_revokes_a_key(
    key: str, make: Make, owner: Actor, admin: Actor, client: httpx.AsyncClient, as_: As, session: AsyncSession
) -> None:
    id = await session.scalar(select(ApiKey.id))
    manager = await make("mia", UserRole.AFFILIATE, {31: Role.MANAGER})
    technician = await make("tom", UserRole.AFFILIATE, {31: Role.TECHNICIAN})
    rival = await make("ray", UserRole.AFFILIATE, {99: Role.OWNER})
    for who, sees in ((owner, True), (manager, True), (admin, True), (technician, False), (rival, False)):
        items = (await client.get(PATH, headers=as_(who))).json()["items"]
        assert [item["id"] for item in items] == ([id] if sees else [])
    for who in (technician, rival):
        assert problem_of(await client.delete(f"{PATH}/{id}", headers=as_(who))) == (404, "no-such-api-key")
    assert (await client.delete(f"{PATH}/{id}", headers=as_(manager))).status_code == 204


async def test_a_revoked_key_and_its_tokens_are_good_for_nothing(
    key: str, exchange: Exchange, owner: Actor, client: httpx.AsyncClient, as_: As, app: FastAPI, deliver: Deliver,
    published: Published, make_key: MakeKey,
) -> None:  # fmt: skip
    other = (await make_key(owner, scopes=["identity:read"])).json()["api_key"]
    first = (await make_key(owner, scopes=["identity:read"])).json()
    tokens = [(await exchange(k)).json()["access_token"] for k in (first["api_key"], other)]
    for _ in range(2):
        assert (await client.delete(f"{PATH}/{first['id']}", headers=as_(owner))).status_code == 204
    [event] = await published(ApiKeyRevoked)
    assert (event.ended, event.user_id, event.version) == (f"key:{first['id']}", owner.user_id, 2)
    await deliver(event)
    await app.state.revocations.refresh()
    bearers = [{"Authorization": f"Bearer {token}"} for token in tokens]
    assert [(await client.get("/identity/v1/me", headers=h)).status_code for h in bearers] == [401, 200]
    assert [(await exchange(k)).status_code for k in (first["api_key"], other)] == [401, 200]


async def test_a_key_makes_and_revokes_no_keys(key: str, owner: Actor, client: httpx.AsyncClient, as_: As) -> None:
    actor = Actor(user_id=owner.user_id, affiliates={31: Role.OWNER}, api_key=1, scopes=frozenset(Scope))
    for method, path in (("POST", PATH), ("DELETE", f"{PATH}/1")):
        answer = await client.request(method, path, json=WANTED if method == "POST" else None, headers=as_(actor))
        assert (problem_of(answer), answer.json()["scope"]) == ((403, "scope-missing"), "identity:write")


async def test_no_token_slips_out_while_its_key_is_being_revoked(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    owner = await making(fresh_database)("owen", UserRole.AFFILIATE, {31: Role.OWNER})
    for _ in range(5):
        made = (await making_keys(fresh_client, as_)(owner)).json()
        exchanging = [fresh_client.post("/identity/v1/tokens", json={"api_key": made["api_key"]}) for _ in range(8)]
        revoking = fresh_client.delete(f"{PATH}/{made['id']}", headers=as_(owner))
        *answers, revoked = await asyncio.gather(*exchanging, revoking)
        assert revoked.status_code == 204
        end = (await recorded_in(fresh_database, ApiKeyRevoked))[-1].tokens_end_at.timestamp()
        assert {answer.status_code for answer in answers} <= {200, 401}
        assert all(claims_in(answer)["iat"] < end for answer in answers if answer.status_code == 200)
