"""One's own account."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User
from shared.contracts.identity import UserChanged
from shared.db import Database
from shared.testing.plugin import Headers, Published

from .conftest import EMAIL, PASSWORD, LogIn, Register, bearer, problem_of, registered

Statements = Callable[[], AbstractContextManager[list[str]]]
ME = "/identity/v1/me"


@pytest.fixture
async def ada(register: Register, log_in: LogIn) -> Headers:
    await register(phone="+15125550100")
    return bearer(await log_in())


async def test_me_is_read_with_one_statement(ada: Headers, client: httpx.AsyncClient, statements: Statements) -> None:
    with statements() as sent:
        answer = await client.get(ME, headers=ada)
    assert len(sent) == 1
    assert answer.headers["etag"] == '"1"'
    assert set(answer.json()) == {
        "id", "version", "email", "full_name", "locale", "timezone", "status", "roles", "customer", "affiliates",
        "created_at", "updated_at",
    }  # fmt: skip


async def test_without_a_token_there_is_no_me(client: httpx.AsyncClient) -> None:
    for answer in (await client.get(ME), await client.patch(ME, json={"full_name": "Eve"})):
        assert problem_of(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_of_an_account_that_was_closed_is_good_no_more(
    ada: Headers, client: httpx.AsyncClient, session: AsyncSession
) -> None:
    await session.execute(update(User).values(deleted_at=User.created_at))
    for answer in (await client.get(ME, headers=ada), await client.patch(ME, headers=ada, json={"full_name": "A"})):
        assert problem_of(answer) == (401, "unauthenticated")


async def test_a_change_is_made_and_told(ada: Headers, client: httpx.AsyncClient, published: Published) -> None:
    before = (await client.get(ME, headers=ada)).json()
    wanted = {"full_name": "Ada Brook", "locale": "fr-CA", "timezone": "America/Toronto", "phone": "+14165550100"}
    answer = await client.patch(ME, headers=ada | {"If-Match": '"1"'}, json=wanted)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    after = (await client.get(ME, headers=ada)).json()
    assert answer.json() == after
    assert after["updated_at"] > before["updated_at"]
    assert after["customer"]["phone"] == "+14165550100"
    assert await published(UserChanged) == [
        UserChanged(
            user_id=before["id"],
            version=2,
            customer_id=before["customer"]["id"],
            email=EMAIL,
            full_name="Ada Brook",
            locale="fr-CA",
            timezone="America/Toronto",
            phone="+14165550100",
        )
    ]


async def test_what_is_left_out_stays_and_only_a_phone_can_be_taken_away(
    ada: Headers, client: httpx.AsyncClient
) -> None:
    after = (await client.patch(ME, headers=ada, json={"phone": None})).json()
    assert (after["customer"]["phone"], after["full_name"], after["version"]) == (None, "Ada Marsh", 2)


@pytest.mark.parametrize("wanted", [{}, {"full_name": "Ada Marsh"}, {"phone": "+15125550100"}])
async def test_a_change_that_changes_nothing_is_no_news(
    ada: Headers, client: httpx.AsyncClient, published: Published, wanted: dict[str, Any]
) -> None:
    answer = await client.patch(ME, headers=ada, json=wanted)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert await published(UserChanged) == []


async def test_a_change_of_what_was_changed_meanwhile_is_refused(ada: Headers, client: httpx.AsyncClient) -> None:
    await client.patch(ME, headers=ada, json={"full_name": "Ada Brook"})
    late = await client.patch(ME, headers=ada | {"If-Match": '"1"'}, json={"full_name": "Ada Field"})
    assert problem_of(late) == (412, "precondition-failed")
    assert (await client.get(ME, headers=ada)).json()["full_name"] == "Ada Brook"


async def test_of_changes_at_the_same_moment_none_is_lost(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    await registered(fresh_client, fresh_database)
    tokens = await fresh_client.post("/identity/v1/login", json={"email": EMAIL, "password": PASSWORD})
    ada = bearer(tokens)
    names = [f"Ada {letter}" for letter in "ABCDEFGHIJ"]
    answers = await asyncio.gather(*(fresh_client.patch(ME, headers=ada, json={"full_name": name}) for name in names))
    made = [answer for answer in answers if answer.status_code == 200]
    assert made
    assert {problem_of(answer) for answer in answers if answer.status_code != 200} <= {(409, "changed-meanwhile")}
    assert (await fresh_client.get(ME, headers=ada)).json()["version"] == 1 + len(made)


async def test_who_is_no_customer_has_no_phone_here(
    register: Register, log_in: LogIn, client: httpx.AsyncClient
) -> None:
    await register(account="affiliate")
    answer = await client.patch(ME, headers=bearer(await log_in()), json={"phone": "+15125550100"})
    assert problem_of(answer) == (403, "customers-only")


@pytest.mark.parametrize(
    "wanted",
    [
        {"full_name": None},
        {"full_name": ""},
        {"full_name": "a\x00b"},
        {"locale": None},
        {"locale": "xx_YY"},
        {"timezone": None},
        {"timezone": "Nowhere"},
        {"phone": "123"},
        {"phone": 15125550100},
        {"email": "eve@example.com"},
        {"roles": ["admin"]},
        {"status": "active"},
        {"version": 9},
        {"is_admin": True},
        [],
    ],
)
async def test_bad_input_changes_nothing(
    ada: Headers, client: httpx.AsyncClient, published: Published, wanted: Any
) -> None:
    assert problem_of(await client.patch(ME, headers=ada, json=wanted)) == (422, "invalid-request")
    assert await published(UserChanged) == []
