"""Support acts for a user: briefly, with a reason, in plain view, and never where the user is needed in person."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import UserRole
from shared.auth import Actor, Role, actor_of
from shared.clock import frozen, now
from shared.contracts.identity import ImpersonationEnded, ImpersonationStarted, UserChanged, UserSuspended
from shared.db import Database
from shared.outbox import BusinessEvent
from shared.testing.plugin import Deliver, Headers, Published, recorded_in

from .conftest import problem_of
from .people import Make, making

As = Callable[[Actor], Headers]
Begin = Callable[..., Awaitable[httpx.Response]]
PATH = "/identity/v1/impersonations"
REASON = "Cannot find a booking."


@pytest.fixture
def make(database: Database) -> Make:
    return making(database)


@pytest.fixture
async def support(make: Make) -> Actor:
    return await make("sue", UserRole.SUPPORT)


@pytest.fixture
async def admin(make: Make) -> Actor:
    return await make("root", UserRole.ADMIN)


@pytest.fixture
async def ada(make: Make) -> Actor:
    return await make("ada", UserRole.CUSTOMER, {31: Role.MANAGER})


@pytest.fixture
def begin(client: httpx.AsyncClient, as_: As) -> Begin:
    return beginning(client, as_)


def beginning(client: httpx.AsyncClient, as_: As) -> Begin:
    async def begin(by: Actor, whom: Actor, **more: Any) -> httpx.Response:
        return await client.post(PATH, json={"user_id": whom.user_id, "reason": REASON} | more, headers=as_(by))

    return begin


def bearer(answer: httpx.Response) -> Headers:
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_the_token_is_the_users_and_says_who_really_acts(begin: Begin, support: Actor, ada: Actor) -> None:
    answer = await begin(support, ada, minutes=5)
    told = answer.json()
    claims = jwt.decode(told["access_token"], options={"verify_signature": False})
    actor = actor_of(claims)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert (actor.user_id, actor.customer_id, actor.affiliates) == (ada.user_id, ada.customer_id, ada.affiliates)
    assert (claims["act"], actor.subject) == (
        {"sub": str(support.user_id)},
        f"user:{support.user_id} as user:{ada.user_id}",
    )
    assert (told["expires_in"], claims["exp"] - claims["iat"], told["reason"]) == (300, 300, REASON)
    assert "refresh_token" not in told


async def test_it_is_told_and_what_follows_is_marked(
    begin: Begin, support: Actor, ada: Actor, client: httpx.AsyncClient, published: Published, session: AsyncSession
) -> None:
    headers = bearer(await begin(support, ada))
    answer = await client.patch("/identity/v1/me", json={"locale": "es-MX"}, headers=headers)
    assert (answer.status_code, answer.json()["id"]) == (200, ada.user_id)
    rows = (await session.scalars(select(BusinessEvent).order_by(BusinessEvent.id))).all()
    assert [(row.type, row.actor) for row in rows] == [
        (ImpersonationStarted.type, support.subject),
        (UserChanged.type, f"user:{support.user_id} as user:{ada.user_id}"),
    ]
    [event] = await published(ImpersonationStarted)
    assert (event.user_id, event.staff_id, event.reason) == (ada.user_id, support.user_id, REASON)


@pytest.mark.parametrize("whom", ["colleague", "admin", "oneself", "suspended", "closed", "nobody"])
async def test_some_are_not_to_be_impersonated(
    whom: str, begin: Begin, make: Make, support: Actor, admin: Actor, session: AsyncSession, published: Published
) -> None:
    people = {
        "colleague": await make("sam", UserRole.SUPPORT), "admin": admin, "oneself": support,
        "suspended": await make("bad"), "closed": await make("gone"), "nobody": Actor(user_id=10**12),
    }  # fmt: skip
    await session.execute(text("update users set status = 'suspended' where email like 'bad@%'"))
    await session.execute(text("update users set deleted_at = now() where email like 'gone@%'"))
    missing = whom in ("closed", "nobody")
    refusal = (404, "no-such-user") if missing else (409, "not-to-be-impersonated")
    assert problem_of(await begin(support, people[whom])) == refusal
    assert await published() == []


async def test_only_the_staff_do_it_and_not_in_somebodys_name(
    begin: Begin, make: Make, support: Actor, ada: Actor, client: httpx.AsyncClient
) -> None:
    other = await make("eve", UserRole.CUSTOMER)
    assert problem_of(await begin(other, ada)) == (403, "staff-only")
    headers = bearer(await begin(support, ada))
    chained = await client.post(PATH, json={"user_id": other.user_id, "reason": REASON}, headers=headers)
    assert problem_of(chained) == (403, "not-while-impersonating")


async def test_who_was_of_the_staff_until_a_moment_ago_does_not(
    begin: Begin, support: Actor, ada: Actor, session: AsyncSession
) -> None:
    await session.execute(text("update users set role = 'affiliate' where id = :id"), {"id": support.user_id})
    assert problem_of(await begin(support, ada)) == (403, "staff-only")
    await session.execute(
        text("update users set role = 'support', status = 'suspended' where id = :id"), {"id": support.user_id}
    )
    assert problem_of(await begin(support, ada)) == (403, "account-suspended")


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "short"},
        {"reason": " " * 20},
        {"reason": "a" * 501},
        {"minutes": 16},
        {"minutes": 0},
        {"minutes": "5"},
    ],
)
async def test_it_takes_a_reason_and_a_quarter_of_an_hour_at_most(
    wrong: dict[str, Any], begin: Begin, support: Actor, ada: Actor
) -> None:
    assert problem_of(await begin(support, ada, **wrong)) == (422, "invalid-request")


async def test_it_ends_alone_and_only_once(
    begin: Begin, support: Actor, admin: Actor, ada: Actor, client: httpx.AsyncClient, as_: As, app: FastAPI,
    deliver: Deliver, published: Published,
) -> None:  # fmt: skip
    first, second = await begin(support, ada), await begin(support, ada)
    own = as_(ada)
    for by in (support, admin):
        ended = await client.delete(f"{PATH}/{first.json()['id']}", headers=as_(by))
        assert (ended.status_code, ended.content) == (204, b"")
    [event] = await published(ImpersonationEnded)
    await deliver(event)
    await app.state.revocations.refresh()
    seen = [(await client.get("/identity/v1/me", headers=h)).status_code for h in (bearer(first), bearer(second), own)]
    assert seen == [401, 200, 200]


async def test_it_ends_with_the_staffs_own_tokens(
    begin: Begin, support: Actor, ada: Actor, admin: Actor, client: httpx.AsyncClient, as_: As, app: FastAPI,
    deliver: Deliver, published: Published,
) -> None:  # fmt: skip
    headers = bearer(await begin(support, ada))
    await client.post(f"/identity/v1/users/{support.user_id}/suspend", json={"reason": REASON}, headers=as_(admin))
    [event] = await published(UserSuspended)
    await deliver(event)
    await app.state.revocations.refresh()
    assert (await client.get("/identity/v1/me", headers=headers)).status_code == 401


async def test_what_has_run_out_is_over_without_an_event(
    begin: Begin, support: Actor, ada: Actor, client: httpx.AsyncClient, as_: As, published: Published
) -> None:
    id = (await begin(support, ada, minutes=1)).json()["id"]
    headers = as_(support)
    with frozen(now() + timedelta(minutes=2)):
        assert (await client.delete(f"{PATH}/{id}", headers=headers)).status_code == 204
    assert await published(ImpersonationEnded) == []


async def test_administrators_see_all_of_them_support_its_own(
    begin: Begin, make: Make, support: Actor, admin: Actor, ada: Actor, client: httpx.AsyncClient, as_: As
) -> None:
    colleague = await make("sam", UserRole.SUPPORT)
    for by in (support, admin):
        await begin(by, ada)

    async def seen_by(who: Actor) -> list[tuple[int, str]]:
        items = (await client.get(PATH, headers=as_(who))).json()["items"]
        return [(item["staff_id"], item["reason"]) for item in items]

    assert await seen_by(admin) == [(admin.user_id, REASON), (support.user_id, REASON)]
    assert await seen_by(support) == [(support.user_id, REASON)]
    assert await seen_by(colleague) == []
    id = (await begin(admin, ada)).json()["id"]
    assert problem_of(await client.delete(f"{PATH}/{id}", headers=as_(support))) == (404, "no-such-impersonation")


async def test_none_slips_out_while_its_staff_is_being_suspended(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    make, begin = making(fresh_database), beginning(fresh_client, as_)
    admin = await make("root", UserRole.ADMIN)
    users = [await make(f"user{n}", UserRole.CUSTOMER) for n in range(6)]
    for round_ in range(4):
        support = await make(f"sue{round_}", UserRole.SUPPORT)
        path = f"/identity/v1/users/{support.user_id}/suspend"
        suspending = fresh_client.post(path, json={"reason": REASON}, headers=as_(admin))
        *answers, suspended = await asyncio.gather(*(begin(support, user) for user in users), suspending)
        assert suspended.status_code == 200
        end = (await recorded_in(fresh_database, UserSuspended))[-1].tokens_end_at.timestamp()
        assert {answer.status_code for answer in answers} <= {201, 403}
        tokens = [answer.json()["access_token"] for answer in answers if answer.status_code == 201]
        assert all(jwt.decode(token, options={"verify_signature": False})["iat"] < end for token in tokens)
