"""Where somebody is signed in, and how they sign out there: at once here, within a minute everywhere."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.identity.commands.sessions import end_all_sessions
from services.identity.queries.sessions import live_sessions
from shared.contracts.identity import SessionEnded
from shared.db import Database
from shared.testing.plugin import Deliver, Headers, Published

from .conftest import EMAIL, PASSWORD, LogIn, Refresh, Register, actor_in, bearer, problem_of, registered
from .test_sessions import ENDED, later, waiting_for_locks

Statements = Callable[[], AbstractContextManager[list[str]]]
SESSIONS = "/identity/v1/sessions"
Json = dict[str, Any]


@pytest.fixture
async def phone(register: Register, log_in: LogIn) -> httpx.Response:
    await register()
    return await log_in(device="phone")


@pytest.fixture
async def laptop(phone: httpx.Response, log_in: LogIn) -> httpx.Response:
    return await log_in(device="laptop")


def id_of(tokens: httpx.Response) -> str:
    return actor_in(tokens).session or ""


async def listed(client: httpx.AsyncClient, tokens: httpx.Response) -> list[Json]:
    answer = await client.get(SESSIONS, headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_everybody_sees_where_they_are_signed_in_the_newest_first(
    phone: httpx.Response, laptop: httpx.Response, client: httpx.AsyncClient, statements: Statements
) -> None:
    with statements() as sent:
        first, second = await listed(client, phone)
    assert len(sent) == 1
    assert (first["device"], first["id"], first["current"]) == ("laptop", id_of(laptop), False)
    assert (second["device"], second["id"], second["current"]) == ("phone", id_of(phone), True)
    assert second["address"] == "127.0.0.1"
    assert second["began_at"] <= second["last_used_at"] < second["expires_at"]


async def test_a_session_stays_one_and_the_same_however_often_it_is_refreshed(
    phone: httpx.Response, refresh: Refresh, client: httpx.AsyncClient
) -> None:
    [before] = await listed(client, phone)
    with later(days=2):
        next = await refresh(phone.json()["refresh_token"])
        assert id_of(next) == id_of(phone)
        [after] = await listed(client, phone)
    assert after["began_at"] == before["began_at"]
    assert after["last_used_at"] > before["last_used_at"]
    assert after["expires_at"] > before["expires_at"]


async def test_pages_hold_what_is_asked_for(
    phone: httpx.Response, laptop: httpx.Response, client: httpx.AsyncClient
) -> None:
    first = (await client.get(SESSIONS, params={"limit": 1}, headers=bearer(phone))).json()
    second = (await client.get(SESSIONS, params={"limit": 1, "cursor": first["next"]}, headers=bearer(phone))).json()
    assert [page["items"][0]["device"] for page in (first, second)] == ["laptop", "phone"]
    assert second["next"] is None


async def test_what_has_ended_or_is_too_old_is_not_listed(
    phone: httpx.Response, laptop: httpx.Response, client: httpx.AsyncClient, refresh: Refresh
) -> None:
    await client.post("/identity/v1/logout", json={"refresh_token": laptop.json()["refresh_token"]})
    assert [one["device"] for one in await listed(client, phone)] == ["phone"]
    with later(days=15):
        assert await listed(client, phone) == []


async def test_one_session_can_be_ended_from_another(
    phone: httpx.Response,
    laptop: httpx.Response,
    client: httpx.AsyncClient,
    refresh: Refresh,
    app: FastAPI,
    deliver: Deliver,
    published: Published,
) -> None:
    answer = await client.delete(f"{SESSIONS}/{id_of(laptop)}", headers=bearer(phone))
    assert (answer.status_code, answer.content) == (204, b"")
    assert problem_of(await refresh(laptop.json()["refresh_token"])) == ENDED
    [event] = await published(SessionEnded)
    assert (str(event.session), event.user_id) == (id_of(laptop), actor_in(phone).user_id)
    await deliver(event)
    await app.state.revocations.refresh()
    assert (await client.get(SESSIONS, headers=bearer(laptop))).status_code == 401
    assert [one["device"] for one in await listed(client, phone)] == ["phone"]


async def test_logging_out_ends_the_access_tokens_too(
    phone: httpx.Response, client: httpx.AsyncClient, app: FastAPI, deliver: Deliver, published: Published
) -> None:
    for _ in range(2):
        await client.post("/identity/v1/logout", json={"refresh_token": phone.json()["refresh_token"]})
    [event] = await published(SessionEnded)
    await deliver(event)
    await app.state.revocations.refresh()
    assert (await client.get("/identity/v1/me", headers=bearer(phone))).status_code == 401


async def test_identity_itself_needs_no_broker_to_refuse_what_it_ended(
    phone: httpx.Response, laptop: httpx.Response, client: httpx.AsyncClient, app: FastAPI
) -> None:
    await client.delete(f"{SESSIONS}/{id_of(laptop)}", headers=bearer(phone))
    await app.state.revocations.refresh()
    for tokens, status in ((laptop, 401), (phone, 200)):
        assert (await client.get("/identity/v1/me", headers=bearer(tokens))).status_code == status


async def test_a_token_that_a_refresh_under_way_still_issued_ends_as_well(
    phone: httpx.Response,
    refresh: Refresh,
    client: httpx.AsyncClient,
    app: FastAPI,
    deliver: Deliver,
    published: Published,
) -> None:
    await client.delete(f"{SESSIONS}/{id_of(phone)}", headers=bearer(phone))
    [event] = await published(SessionEnded)
    await deliver(event)
    await app.state.revocations.refresh()
    with later(seconds=20):
        issued = app.state.access_tokens.issue(actor_in(phone))
    headers = {"Authorization": f"Bearer {issued}"}
    assert (await client.get("/identity/v1/me", headers=headers)).status_code == 401


async def test_all_others_end_at_once_and_this_one_stays(
    phone: httpx.Response, laptop: httpx.Response, log_in: LogIn, refresh: Refresh, client: httpx.AsyncClient,
    published: Published,
) -> None:  # fmt: skip
    tablet = await log_in(device="tablet")
    assert (await client.delete(SESSIONS, headers=bearer(phone))).status_code == 204
    assert {str(event.session) for event in await published(SessionEnded)} == {id_of(laptop), id_of(tablet)}
    for ended in (laptop, tablet):
        assert problem_of(await refresh(ended.json()["refresh_token"])) == ENDED
    assert (await refresh(phone.json()["refresh_token"])).status_code == 200


async def test_what_is_not_ones_own_not_there_or_over_cannot_be_ended(
    phone: httpx.Response, register: Register, log_in: LogIn, client: httpx.AsyncClient, refresh: Refresh
) -> None:
    await register(email="eve@example.com")
    eves = await log_in("eve@example.com")
    over = await log_in("eve@example.com")
    await client.delete(f"{SESSIONS}/{id_of(over)}", headers=bearer(eves))
    for target in (id_of(phone), str(uuid4()), id_of(over)):
        answer = await client.delete(f"{SESSIONS}/{target}", headers=bearer(eves))
        assert problem_of(answer) == (404, "no-such-session")
    await client.delete(SESSIONS, headers=bearer(eves))
    assert (await refresh(phone.json()["refresh_token"])).status_code == 200


@pytest.mark.parametrize("target", ["1", "x", "%00", "0197a000-0000-7000-8000-00000000000g", "-1"])
async def test_what_cannot_be_a_session_is_refused(
    phone: httpx.Response, client: httpx.AsyncClient, target: str
) -> None:
    assert problem_of(await client.delete(f"{SESSIONS}/{target}", headers=bearer(phone))) == (422, "invalid-request")


async def test_a_session_that_is_refreshed_while_all_are_ended_ends_too(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    """Whichever waits for the other: what the refresh made is ended with the rest."""
    await registered(fresh_client, fresh_database)
    login = {"email": EMAIL, "password": PASSWORD}
    opened = await fresh_client.post("/identity/v1/login", json=login)
    headers: Headers = bearer(opened)
    user_id = actor_in(opened).user_id or 0
    async with asyncio.TaskGroup() as group, fresh_database.begin() as session:
        await live_sessions(session, user_id)
        sent = {"refresh_token": opened.json()["refresh_token"]}
        refreshing = group.create_task(fresh_client.post("/identity/v1/refresh", json=sent))
        await waiting_for_locks(fresh_database, 1)
        ending = group.create_task(fresh_client.delete(SESSIONS + "/" + id_of(opened), headers=headers))
        await waiting_for_locks(fresh_database, 2)
    assert (refreshing.result().status_code, ending.result().status_code) == (200, 204)
    again = {"refresh_token": refreshing.result().json()["refresh_token"]}
    assert problem_of(await fresh_client.post("/identity/v1/refresh", json=again)) == ENDED


async def test_ending_all_takes_every_session_but_the_named_one(
    phone: httpx.Response, laptop: httpx.Response, refresh: Refresh, database: Database
) -> None:
    async with database.begin() as session:
        await end_all_sessions(session, actor_in(phone).user_id or 0)
    for tokens in (phone, laptop):
        assert problem_of(await refresh(tokens.json()["refresh_token"])) == ENDED
