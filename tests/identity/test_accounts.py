"""Opening an account."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import Customer, User
from shared.auth import Role
from shared.contracts.identity import UserRegistered
from shared.db import Database
from shared.testing.plugin import Published

from .conftest import EMAIL, PASSWORD, LogIn, Register, actor_in, problem_of, registration


async def test_a_customer_opens_an_account(
    register: Register, session: AsyncSession, published: Published, log_in: LogIn
) -> None:
    answer = await register(phone="+15125550100", timezone="America/Chicago")
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    me = answer.json()
    customer = await session.scalar(select(Customer))
    assert customer is not None
    assert (me["roles"], me["customer"]) == (["customer"], {"id": customer.id, "phone": "+15125550100"})
    assert await published() == [
        UserRegistered(
            user_id=me["id"],
            version=1,
            customer_id=customer.id,
            email=EMAIL,
            full_name="Ada Marsh",
            locale="en-US",
            timezone="America/Chicago",
        )
    ]
    actor = actor_in(await log_in())
    assert (actor.user_id, actor.customer_id, actor.roles) == (me["id"], customer.id, frozenset({Role.CUSTOMER}))


async def test_an_affiliates_owner_to_be_is_no_customer(
    register: Register, log_in: LogIn, published: Published
) -> None:
    me = (await register(account="affiliate")).json()
    assert (me["roles"], me["customer"], me["affiliates"]) == ([], None, [])
    assert [event.customer_id for event in await published()] == [None]
    assert actor_in(await log_in()).customer_id is None


async def test_nothing_that_is_answered_or_published_has_the_password_or_its_hash(
    register: Register, session: AsyncSession, published: Published
) -> None:
    answer = await register()
    user = await session.scalar(select(User))
    assert user is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for told in (answer.text, str(await published()), repr(user)):
        assert PASSWORD not in told
        assert "argon2" not in told


@pytest.mark.parametrize("again", [EMAIL, "ADA@example.com", "ada@EXAMPLE.com"])
async def test_an_address_has_one_account_however_it_is_spelled(
    register: Register, published: Published, again: str
) -> None:
    await register()
    assert problem_of(await register(email=again)) == (409, "email-taken")
    assert len(await published()) == 1


async def test_the_address_of_a_closed_account_is_free_again(register: Register, session: AsyncSession) -> None:
    await register()
    user = await session.scalar(select(User))
    assert user is not None
    user.deleted_at = user.created_at
    await session.flush()
    assert (await register()).status_code == 201


async def test_of_many_who_register_one_address_at_once_one_gets_it(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    answers = await asyncio.gather(
        *(fresh_client.post("/identity/v1/register", json=registration()) for _ in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    async with fresh_database.read() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "admin"},
        {"account": None},
        {"role": "admin"},
        {"roles": ["admin"]},
        {"id": 1},
        {"version": 7},
        {"status": "active"},
        {"customer_id": 1},
        {"password_hash": "x"},
        {"email": "ada"},
        {"email": "ada@example.com\r\nBcc: eve@example.com"},
        {"email": "ada@exa\x00mple.com"},
        {"email": "\ud800@example.com"},
        {"email": "ada@localhost"},
        {"email": "a" * 250 + "@example.com"},
        {"email": 7},
        {"email": ["ada@example.com"]},
        {"password": "short-58-ab"},
        {"password": "aB3-" * 33},
        {"password": "olive\x00Gantry-58-sill"},
        {"password": "olive\udfffGantry-58-sill"},
        {"password": 123456789012345},
        {"password": None},
        {"full_name": ""},
        {"full_name": " "},
        {"full_name": "Ada\nMarsh"},
        {"full_name": "A" * 201},
        {"full_name": True},
        {"locale": "english"},
        {"locale": "en_US"},
        {"locale": ""},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": ""},
        {"timezone": "-05:00"},
        {"phone": "5125550100"},
        {"phone": "+1 512 555 0100"},
        {"phone": "+0125550100"},
        {"phone": "+1512555010012345"},
        {"phone": "\u0661" * 8},
    ],
)
async def test_bad_input_is_refused_and_writes_nothing(
    client: httpx.AsyncClient, session: AsyncSession, published: Published, wrong: dict[str, Any]
) -> None:
    sent = json.dumps(registration(**wrong)).encode()  # escapes lone surrogates, which httpx's own would not send
    answer = await client.post("/identity/v1/register", content=sent, headers={"content-type": "application/json"})
    assert problem_of(answer) == (422, "invalid-request")
    assert PASSWORD not in answer.text
    assert await session.scalar(select(func.count()).select_from(User)) == 0
    assert await published() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"email": NaN}',
        b'{"email": "a@example.com", "email": "b@example.com"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("path", ["register", "login", "refresh", "logout"])
async def test_a_body_that_is_no_proper_json_object_is_refused(
    client: httpx.AsyncClient, session: AsyncSession, path: str, body: bytes
) -> None:
    answer = await client.post(f"/identity/v1/{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert problem_of(answer)[1] in ("malformed-body", "invalid-request")


async def test_what_looks_like_code_is_kept_as_the_text_it_is(register: Register) -> None:
    assert (await register(full_name="{{7*7}} =cmd|' /C calc'!A0")).json()["full_name"] == "{{7*7}} =cmd|' /C calc'!A0"


async def test_a_password_that_everybody_tries_first_is_refused(register: Register, session: AsyncSession) -> None:
    assert problem_of(await register(password="Password123456")) == (422, "common-password")
    assert await session.scalar(select(func.count()).select_from(User)) == 0
