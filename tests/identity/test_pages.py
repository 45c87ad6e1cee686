"""The pages that mails link to: a button for people, nothing for scanners."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User
from services.identity.pages import Page
from shared.contracts.identity import (
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    PasswordChanged,
    PasswordResetRequested,
    UserRegistered,
)
from shared.db import Database
from shared.testing.plugin import Published

from .conftest import EMAIL, PASSWORD, LogIn, Register, bearer, registration, secret_mailed
from .test_credentials import MOVE, NEW, NEW_EMAIL, RESETS
from .test_sessions import waiting_for_locks

PAGES = "/identity/v1/pages"
TOKEN = "t" * 43


async def press(client: httpx.AsyncClient, page: str, **form: Any) -> httpx.Response:
    return await client.post(f"{PAGES}/{page}", data=form)


@pytest.mark.parametrize("page", [*Page, "accept-invitation"])
async def test_a_page_is_for_this_one_look_and_runs_nothing(client: httpx.AsyncClient, page: str) -> None:
    answer = await client.get(f"{PAGES}/{page}", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" in policy
    assert not re.search(r"<script|<img|<link|javascript:|https?://|style=", answer.text)


@pytest.mark.parametrize("token", ["", "x", TOKEN + "=", '"><script>alert(1)</script>', "\u0661" * 43, "{{7*7}}"])
@pytest.mark.parametrize("page", list(Page))
async def test_a_link_that_is_none_of_ours_has_no_button_and_is_not_repeated(
    client: httpx.AsyncClient, page: str, token: str
) -> None:
    looked = await client.get(f"{PAGES}/{page}", params={"token": token})
    for answer in (looked, await press(client, page, token=token, password=PASSWORD)):
        assert answer.status_code == 422
        assert "<form" not in answer.text
        assert len(token) < 2 or token not in answer.text


async def test_looking_at_a_page_uses_nothing_up_pressing_its_button_does(
    client: httpx.AsyncClient, database: Database, published: Published, log_in: LogIn
) -> None:
    await client.post("/identity/v1/register", json=registration())
    token = await secret_mailed(database, EmailVerificationRequested)
    for _ in range(3):
        for method in ("GET", "HEAD"):
            await client.request(method, f"{PAGES}/verify-email", params={"token": token})
    assert await published(UserRegistered) == []
    answer = await press(client, "verify-email", token=token, password=PASSWORD)
    assert (answer.status_code, "You can log in now" in answer.text) == (200, True)
    assert (await log_in()).status_code == 200
    again = await press(client, "verify-email", token=token, password=PASSWORD)
    assert (again.status_code, "no longer good" in again.text) == (422, True)


async def test_with_another_password_the_page_asks_again_and_the_link_stays_good(
    client: httpx.AsyncClient, database: Database, published: Published
) -> None:
    await client.post("/identity/v1/register", json=registration())
    token = await secret_mailed(database, EmailVerificationRequested)
    for password, status in ((NEW, 403), ("", 403), ("x" * 129, 422)):
        refused = await press(client, "verify-email", token=token, password=password)
        assert (refused.status_code, f'value="{token}"' in refused.text) == (status, True)
        assert not password or password not in refused.text
    assert await published(UserRegistered) == []
    assert (await press(client, "verify-email", token=token, password=PASSWORD)).status_code == 200


async def test_a_double_click_is_answered_by_pages(fresh_client: httpx.AsyncClient, fresh_database: Database) -> None:
    await fresh_client.post("/identity/v1/register", json=registration())
    token = await secret_mailed(fresh_database, EmailVerificationRequested)
    form = {"token": token, "password": PASSWORD}
    async with asyncio.TaskGroup() as group, fresh_database.begin() as session:
        await session.execute(select(User).with_for_update())  # holds them all at one place
        pressed = [group.create_task(press(fresh_client, "verify-email", **form)) for _ in range(3)]
        await waiting_for_locks(fresh_database, 3)
    answers = [task.result() for task in pressed]
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422]
    assert {answer.headers["content-type"] for answer in answers} == {"text/html; charset=utf-8"}


async def test_a_password_is_set_on_its_page_and_asked_for_again_if_it_is_too_easy(
    register: Register, client: httpx.AsyncClient, database: Database, published: Published, log_in: LogIn
) -> None:
    await register()
    await client.post(RESETS, json={"email": EMAIL})
    token = await secret_mailed(database, PasswordResetRequested)
    for password, said in (("Password123456", "among those that are tried first"), ("short", "12 to 128 characters")):
        refused = await press(client, "reset-password", token=token, password=password)
        assert (refused.status_code, said in refused.text) == (422, True)
        assert f'value="{token}"' in refused.text
        assert password not in refused.text
    assert await published(PasswordChanged) == []
    assert (await press(client, "reset-password", token=token, password=NEW)).status_code == 200
    assert (await log_in(password=NEW)).status_code == 200


async def test_an_address_is_confirmed_on_its_page(
    register: Register, client: httpx.AsyncClient, database: Database, log_in: LogIn
) -> None:
    await register()
    wanted = {"email": NEW_EMAIL, "password": PASSWORD}
    await client.post(MOVE, json=wanted, headers=bearer(await log_in()))
    token = await secret_mailed(database, EmailChangeRequested, NEW_EMAIL)
    assert (await press(client, "confirm-email", token=token, password=PASSWORD)).status_code == 200
    assert (await log_in(NEW_EMAIL)).status_code == 200


async def test_what_is_refused_in_the_middle_is_undone(
    register: Register, client: httpx.AsyncClient, database: Database, published: Published, log_in: LogIn
) -> None:
    await register()
    wanted = {"email": NEW_EMAIL, "password": PASSWORD}
    await client.post(MOVE, json=wanted, headers=bearer(await log_in()))
    token = await secret_mailed(database, EmailChangeRequested, NEW_EMAIL)
    await register(email=NEW_EMAIL)
    for _ in range(2):  # the link is not used up by it
        refused = await press(client, "confirm-email", token=token, password=PASSWORD)
        assert (refused.status_code, "There is an account with this e-mail address" in refused.text) == (409, True)
    assert await published(EmailChanged) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"token": "x"}'),
        ("multipart/form-data", b"token=" + TOKEN.encode()),
        ("text/plain", b"token=" + TOKEN.encode()),
        ("application/x-www-form-urlencoded", b"token"),
        ("application/x-www-form-urlencoded", b"token=a&token=b"),
        ("application/x-www-form-urlencoded", b"token=%ff%fe"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(6))),
        ("application/x-www-form-urlencoded", b"\xff\xfe"),
    ],
)
@pytest.mark.parametrize("page", list(Page))
async def test_what_is_no_form_of_ours_is_refused(
    client: httpx.AsyncClient, session: AsyncSession, page: str, kind: str, body: bytes
) -> None:
    answer = await client.post(f"{PAGES}/{page}", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert "cannot be read" in answer.text


async def test_a_form_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    body = b"token=" + b"a" * 1_100_000
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await client.post(f"{PAGES}/verify-email", content=body, headers=headers)).status_code == 413


async def test_a_page_that_there_is_not_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{PAGES}/admin", params={"token": TOKEN})).status_code in (404, 422)
    assert (await press(client, "accept-invitation", token=TOKEN)).status_code in (405, 422)
