"""What the platform's staff see of users and do to accounts."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User, UserRole
from services.identity.domain.staff import Lookup
from shared.auth import Actor
from shared.contracts.identity import UserLookedUp, UserReinstated, UserRoleChanged, UserSuspended
from shared.db import Database
from shared.outbox import BusinessEvent
from shared.testing.plugin import Headers, Published, recorded_in

from .conftest import LogIn, Refresh, actor_in, problem_of
from .people import Make, making

As = Callable[[Actor], Headers]
Ask = Callable[..., Awaitable[httpx.Response]]
REASON = {"reason": "Abuse of the chat."}


@pytest.fixture
def make(database: Database) -> Make:
    return making(database)


@pytest.fixture
async def admin(make: Make) -> Actor:
    return await make("root", UserRole.ADMIN)


@pytest.fixture
async def support(make: Make) -> Actor:
    return await make("sue", UserRole.SUPPORT)


@pytest.fixture
async def ada(make: Make) -> Actor:
    return await make("ada", UserRole.CUSTOMER)


@pytest.fixture
def ask(client: httpx.AsyncClient, as_: As) -> Ask:
    """`await ask(support, "POST", ada, "suspend", REASON)`"""
    return asking(client, as_)


def asking(client: httpx.AsyncClient, as_: As) -> Ask:
    async def ask(by: Actor, method: str, whom: Actor, act: str = "", body: Any = None, **more: str) -> httpx.Response:
        path = f"/identity/v1/users/{whom.user_id}" + (f"/{act}" if act else "")
        return await client.request(method, path, json=body, headers=as_(by) | more)

    return ask


# -- suspension --


async def test_who_is_suspended_cannot_sign_in_or_stay_and_is_told_why(
    ada: Actor, support: Actor, ask: Ask, log_in: LogIn, refresh: Refresh, published: Published, client: Any, as_: As
) -> None:
    session = (await log_in("ada@example.com")).json()
    answer = await ask(support, "POST", ada, "suspend", REASON)
    assert (answer.status_code, answer.json()["status"], answer.headers["etag"]) == (200, "suspended", '"2"')
    assert answer.json()["suspension_reason"] == REASON["reason"]
    assert answer.json()["sessions"] == 0
    assert problem_of(await log_in("ada@example.com")) == (403, "account-suspended")
    assert problem_of(await log_in("ada@example.com", "wrong-Gantry-58-sill")) == (401, "wrong-credentials")
    assert (await refresh(session["refresh_token"])).status_code in (401, 403)
    [event] = await published(UserSuspended)
    assert (event.user_id, event.customer_id, event.reason) == (ada.user_id, ada.customer_id, REASON["reason"])
    assert (event.ended, event.version, event.email) == (f"user:{ada.user_id}", 2, "ada@example.com")


async def test_reinstated_one_signs_in_anew(
    ada: Actor, support: Actor, ask: Ask, log_in: LogIn, refresh: Refresh, published: Published
) -> None:
    session = (await log_in("ada@example.com")).json()
    await ask(support, "POST", ada, "suspend", REASON)
    answer = await ask(support, "POST", ada, "reinstate")
    assert (answer.status_code, answer.json()["status"], answer.json()["suspension_reason"]) == (200, "active", None)
    assert problem_of(await refresh(session["refresh_token"])) == (401, "session-ended")
    assert (await log_in("ada@example.com")).status_code == 200
    assert [event.version for event in await published(UserReinstated)] == [3]


async def test_twice_is_refused_and_the_same_request_again_is_answered_again(
    ada: Actor, support: Actor, ask: Ask, published: Published
) -> None:
    key = {"Idempotency-Key": "k1"}
    first, again = [await ask(support, "POST", ada, "suspend", REASON, **key) for _ in range(2)]
    assert (first.status_code, first.content) == (200, again.content)
    assert problem_of(await ask(support, "POST", ada, "suspend", REASON)) == (409, "suspended-already")
    assert problem_of(await ask(support, "POST", ada, "reinstate", **{"If-Match": '"1"'})) == (
        412,
        "precondition-failed",
    )
    await ask(support, "POST", ada, "reinstate")
    assert problem_of(await ask(support, "POST", ada, "reinstate")) == (409, "not-suspended")
    assert len(await published(UserSuspended)) == 1


@pytest.mark.parametrize(
    ("by", "whom", "refusal"),
    [
        ("support", "support", "not-to-oneself"),
        ("support", "colleague", "admins-only"),
        ("support", "admin", "admins-only"),
        ("admin", "admin", "not-to-oneself"),
        ("admin", "support", None),
        ("admin", "other admin", None),
        ("ada", "colleague", "staff-only"),
        ("ada", "ada", "staff-only"),
    ],
)
async def test_staff_are_suspended_by_administrators_and_nobody_by_themselves(
    by: str, whom: str, refusal: str | None, make: Make, admin: Actor, support: Actor, ada: Actor, ask: Ask
) -> None:
    people = {
        "admin": admin, "support": support, "ada": ada, "colleague": await make("sam", UserRole.SUPPORT),
        "other admin": await make("rut", UserRole.ADMIN),
    }  # fmt: skip
    answer = await ask(people[by], "POST", people[whom], "suspend", REASON)
    assert (None if answer.status_code == 200 else problem_of(answer)[1]) == refusal


async def test_the_act_stands_in_the_trail_with_who_and_whom_and_why(
    ada: Actor, support: Actor, ask: Ask, session: AsyncSession, published: Published
) -> None:
    await ask(support, "POST", ada, "suspend", REASON)
    row = await session.scalar(select(BusinessEvent).where(BusinessEvent.type == UserSuspended.type))
    assert row is not None
    assert (row.actor, row.aggregate_id) == (support.subject, ada.user_id)
    assert [event.reason for event in await published(UserSuspended)] == [REASON["reason"]]


async def test_at_identity_tokens_end_though_the_broker_is_away(
    ada: Actor, support: Actor, ask: Ask, client: httpx.AsyncClient, as_: As, app: FastAPI
) -> None:
    headers = as_(ada)
    assert (await client.get("/identity/v1/me", headers=headers)).status_code == 200
    await ask(support, "POST", ada, "suspend", REASON)  # and nothing is delivered
    await app.state.revocations.refresh()
    assert (await client.get("/identity/v1/me", headers=headers)).status_code == 401


# -- tokens of those who are suspended in the very moment --


async def test_no_token_slips_out_while_its_user_is_being_suspended(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    """Whatever of login, refresh and suspension comes first: a token that got out is older than `tokens_end_at`."""
    make, ask = making(fresh_database), asking(fresh_client, as_)
    support = await make("sue", UserRole.SUPPORT)
    for round_ in range(6):
        whom = await make(f"user{round_}", UserRole.CUSTOMER)
        told = {"email": f"user{round_}@example.com", "password": "olive-Gantry-58-sill"}
        sessions = [(await fresh_client.post("/identity/v1/login", json=told)).json() for _ in range(8)]
        refreshing = [
            fresh_client.post("/identity/v1/refresh", json={"refresh_token": one["refresh_token"]}) for one in sessions
        ]
        *answers, suspended = await asyncio.gather(*refreshing, ask(support, "POST", whom, "suspend", REASON))
        assert suspended.status_code == 200
        end = (await recorded_in(fresh_database, UserSuspended))[-1].tokens_end_at.timestamp()
        assert {answer.status_code for answer in answers} <= {200, 401, 403}
        assert all(issued_at(answer) < end for answer in answers if answer.status_code == 200)


def issued_at(answer: httpx.Response) -> float:
    claims: dict[str, Any] = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return float(claims["iat"])


# -- finding and reading --


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"email": "ada@example.com"}, ["a…@example.com"]),
        ({"email": "ADA@"}, ["a…@example.com"]),
        ({"email": "a_a@"}, []),
        ({"email": "xa"}, []),
        ({"status": "suspended"}, []),
        ({"status": "active", "email": "sue"}, ["s…@example.com"]),
        ({}, ["a…@example.com", "s…@example.com"]),
    ],
)
async def test_staff_find_users_by_how_their_address_begins(
    query: dict[str, str], found: list[str], support: Actor, ada: Actor, client: httpx.AsyncClient, as_: As
) -> None:
    answer = await client.get("/identity/v1/users", params=query, headers=as_(support))
    assert [item["email"] for item in answer.json()["items"]] == found


async def test_the_list_shows_no_name_and_no_whole_address_and_has_pages(
    support: Actor, ada: Actor, client: httpx.AsyncClient, as_: As
) -> None:
    first = (await client.get("/identity/v1/users", params={"limit": 1}, headers=as_(support))).json()
    second = (
        await client.get("/identity/v1/users", params={"limit": 1, "cursor": first["next"]}, headers=as_(support))
    ).json()
    assert [first["items"][0]["id"], second["items"][0]["id"], second["next"]] == [ada.user_id, support.user_id, None]
    assert set(first["items"][0]) == {"id", "email", "role", "status", "created_at"}
    by_id = await client.get("/identity/v1/users", params={"id": ada.user_id}, headers=as_(support))
    assert [item["id"] for item in by_id.json()["items"]] == [ada.user_id]


async def test_who_looks_at_a_person_stands_in_the_trail(
    support: Actor, ada: Actor, ask: Ask, log_in: LogIn, published: Published, session: AsyncSession
) -> None:
    await log_in("ada@example.com")
    answer = await ask(support, "GET", ada)
    shown = [answer.json()[name] for name in ("email", "full_name", "role", "sessions")]
    assert shown == ["ada@example.com", "Ada", "customer", 1]
    assert answer.json()["second_factor_at"] is None
    assert answer.headers["etag"] == '"1"'
    await ask(support, "GET", ada)
    looked = [(event.user_id, event.staff_id, event.version) for event in await published(UserLookedUp)]
    assert looked == [(ada.user_id, support.user_id, 1)] * 2
    assert len((await session.scalars(select(Lookup))).all()) == 2


async def test_what_is_not_there_is_not_found_and_nothing_is_written(
    support: Actor, ask: Ask, published: Published
) -> None:
    for method, act, body in (("GET", "", None), ("POST", "suspend", REASON), ("POST", "reinstate", None)):
        assert problem_of(await ask(support, method, Actor(user_id=10**12), act, body)) == (404, "no-such-user")
    assert await published() == []


async def test_of_the_closed_nothing_is_shown(support: Actor, ada: Actor, ask: Ask, session: AsyncSession) -> None:
    await session.execute(text("update users set deleted_at = now() where id = :id"), {"id": ada.user_id})
    assert (await ask(support, "GET", ada)).status_code == 404


# -- who is of the staff --


async def test_an_administrator_makes_and_unmakes_staff(
    ada: Actor, admin: Actor, ask: Ask, log_in: LogIn, published: Published
) -> None:
    for role, roles in (("support", ["customer", "support"]), ("admin", ["admin", "customer"]), (None, ["customer"])):
        answer = await ask(admin, "PUT", ada, "role", {"role": role, "reason": "Joined us."})
        assert (answer.status_code, answer.json()["roles"]) == (200, roles)
        assert sorted(actor_in(await log_in("ada@example.com")).roles) == roles
    told = await published(UserRoleChanged)
    assert [(event.role, event.version) for event in told] == [("support", 2), ("admin", 3), ("customer", 4)]
    assert {event.ended for event in told} == {f"user:{ada.user_id}"}


async def test_the_same_role_again_is_no_news(ada: Actor, admin: Actor, ask: Ask, published: Published) -> None:
    answer = await ask(admin, "PUT", ada, "role", {"role": None, **REASON})
    assert (answer.status_code, await published()) == (200, [])


@pytest.mark.parametrize(
    ("by", "refusal"), [("support", "admins-only"), ("ada", "admins-only"), ("admin", "not-to-oneself")]
)
async def test_roles_are_given_by_administrators_and_not_to_oneself(
    by: str, refusal: str, ada: Actor, support: Actor, admin: Actor, ask: Ask
) -> None:
    actor = {"support": support, "ada": ada, "admin": admin}[by]
    assert problem_of(await ask(actor, "PUT", actor, "role", {"role": "admin", **REASON})) == (403, refusal)


@pytest.mark.parametrize(
    ("act", "method", "body"), [("suspend", "POST", REASON), ("role", "PUT", {"role": None, **REASON})]
)
async def test_of_two_administrators_who_unmake_each_other_one_is_left(
    act: str, method: str, body: Any, fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    make, ask = making(fresh_database), asking(fresh_client, as_)
    for round_ in range(5):
        one, two = [await make(f"{act}{round_}-{n}", UserRole.ADMIN) for n in range(2)]
        answers = await asyncio.gather(ask(one, method, two, act, body), ask(two, method, one, act, body))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 1}
        assert {problem_of(a)[1] for a in answers if a.status_code == 409} == {"last-administrator"}
        async with fresh_database.begin() as session:
            left = select(User).where(User.role == UserRole.ADMIN, User.status == "active")
            [admin] = (await session.scalars(left)).all()
            admin.role = UserRole.AFFILIATE
