"""Opening an account."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import Customer, User
from services.identity.domain.proof import AddressProof
from services.identity.domain.session import digest
from services.identity.jobs import forget_unverified_accounts
from shared.auth import Role
from shared.clock import frozen, now
from shared.contracts.identity import EmailVerificationRequested, RegistrationRepeated, UserRegistered
from shared.db import Database
from shared.testing.configuration import config_changed
from shared.testing.plugin import Deliver, Published, recorded_in

from .conftest import (
    EMAIL,
    PASSWORD,
    LogIn,
    Register,
    actor_in,
    problem_of,
    registration,
    secret_mailed,
    work,
)

Statements = Callable[[], AbstractContextManager[list[str]]]
REGISTER, VERIFY, RESEND = (
    "/identity/v1/register",
    "/identity/v1/email-verifications",
    "/identity/v1/email-verifications/resend",
)
GIVE_KEYS = text(
    "insert into person_keys (person, key) select 'user:' || id, decode(repeat('00', 32), 'hex') from users"
    " on conflict do nothing"
)
EVES = "sparrow-Cellar-77-knot"
LINK_NO_LONGER_GOOD = (422, "link-no-longer-good")


async def ask(client: httpx.AsyncClient, path: str = REGISTER, **body: Any) -> httpx.Response:
    return await client.post(path, json=registration(**body) if path == REGISTER else body)


async def verify(client: httpx.AsyncClient, token: str, password: str = PASSWORD) -> httpx.Response:
    return await ask(client, VERIFY, token=token, password=password)


async def mailed(database: Database, email: str = EMAIL) -> str:
    return await secret_mailed(database, EmailVerificationRequested, email)


async def accounts(database: Database) -> list[tuple[str, bool]]:
    """Name, and whether the address is verified."""
    async with database.begin() as session:
        users = (await session.scalars(select(User).order_by(User.id))).all()
    return [(user.full_name, user.is_verified) for user in users]


async def test_a_customer_opens_an_account(
    register: Register, session: AsyncSession, published: Published, log_in: LogIn
) -> None:
    answer = await register(phone="+15125550100", timezone="America/Chicago")
    me = answer.json()
    customer = await session.scalar(select(Customer))
    assert customer is not None
    assert answer.headers["etag"] == '"1"'
    assert (me["roles"], me["customer"]) == (["customer"], {"id": customer.id, "phone": "+15125550100"})
    assert await published(UserRegistered) == [
        UserRegistered(
            user_id=me["id"],
            version=1,
            customer_id=customer.id,
            email=EMAIL,
            full_name="Ada Marsh",
            phone="+15125550100",
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
    assert [event.customer_id for event in await published(UserRegistered)] == [None]
    assert actor_in(await log_in()).customer_id is None


@pytest.mark.usefixtures("strong_passwords")
async def test_nothing_that_is_answered_or_published_has_the_password_or_its_hash(
    client: httpx.AsyncClient, database: Database, session: AsyncSession, published: Published
) -> None:
    answer = await ask(client)
    await work(database)
    user = await session.scalar(select(User))
    assert user is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for told in (answer.text, str(await published()), repr(user)):
        assert PASSWORD not in told
        assert "argon2" not in told


async def test_before_the_address_is_verified_nobody_can_log_in_and_no_service_hears_of_it(
    client: httpx.AsyncClient, database: Database, published: Published, log_in: LogIn
) -> None:
    await ask(client)
    token = await mailed(database)
    assert problem_of(await log_in()) == (401, "wrong-credentials")
    assert await published(UserRegistered) == []
    assert (await verify(client, token)).status_code == 204
    assert (await log_in()).status_code == 200
    assert len(await published(UserRegistered)) == 1


@pytest.mark.parametrize("again", [EMAIL, "ADA@example.com", "ada@EXAMPLE.com"])
async def test_of_an_address_that_has_an_account_only_its_owner_learns(
    register: Register,
    client: httpx.AsyncClient,
    database: Database,
    published: Published,
    statements: Statements,
    again: str,
) -> None:
    await register()
    answers, sent = [], []
    for email in (again, "kim@example.com"):
        with statements() as counted:
            answers.append(await ask(client, email=email, full_name="Eve"))
        sent.append([statement.split()[:3] for statement in counted])
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert sent[0] == sent[1]
    await work(database)
    [told] = await published(RegistrationRepeated)
    assert (told.email, told.full_name, told.version) == (EMAIL, "Ada Marsh", 1)
    assert await accounts(database) == [("Ada Marsh", True), ("Eve", False)]


async def test_the_owner_is_not_told_more_often_than_every_few_minutes(
    register: Register, client: httpx.AsyncClient, database: Database, published: Published
) -> None:
    await register()
    for minutes in (0, 1, 4):
        with frozen(now() + timedelta(minutes=minutes)):
            await ask(client)
            await work(database)
    assert [event.version for event in await published(RegistrationRepeated)] == [1, 2]


async def test_of_those_who_ask_with_an_address_before_it_is_verified_the_last_counts(
    client: httpx.AsyncClient, database: Database, log_in: LogIn
) -> None:
    await ask(client, full_name="Eve", password="sparrow-Cellar-77-knot", phone="+15125550100")
    first = await mailed(database)
    with frozen(now() + timedelta(minutes=4)):
        await ask(client, account="affiliate")
        second = await mailed(database)
    assert problem_of(await verify(client, first)) == LINK_NO_LONGER_GOOD
    assert (await verify(client, second)).status_code == 204
    assert await accounts(database) == [("Ada Marsh", True)]
    assert problem_of(await log_in(password="sparrow-Cellar-77-knot")) == (401, "wrong-credentials")
    assert actor_in(await log_in()).customer_id is None


async def test_a_link_makes_no_password_good_but_the_one_that_comes_with_it(
    client: httpx.AsyncClient, database: Database, log_in: LogIn, published: Published
) -> None:
    """Ada registers, then Eve does, with the same address and a password of hers: both mails go to Ada."""
    await ask(client)
    await work(database)
    await ask(client, full_name="Eve", password=EVES)
    assert problem_of(await verify(client, await mailed(database))) == (403, "not-this-password")
    assert problem_of(await log_in(password=EVES)) == (401, "wrong-credentials")
    assert await published(UserRegistered) == []
    await ask(client)
    assert (await verify(client, await mailed(database))).status_code == 204
    assert (await log_in()).status_code == 200
    assert problem_of(await log_in(password=EVES)) == (401, "wrong-credentials")


async def test_whoever_has_a_link_cannot_try_passwords_without_end(
    make_app: Callable[[Database], FastAPI], fresh_database: Database
) -> None:
    app = make_app(fresh_database)
    app.state.settings = app.state.settings.model_copy(update={"limits_times": 1})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        await ask(client)
        token = await mailed(fresh_database)
        answers = [await verify(client, token, EVES) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert "RateLimit-Remaining" in answers[0].headers


async def test_a_link_is_good_once_and_for_a_day(client: httpx.AsyncClient, database: Database) -> None:
    await ask(client)
    token = await mailed(database)
    with frozen(now() + timedelta(days=1, seconds=1)):
        assert problem_of(await verify(client, token)) == LINK_NO_LONGER_GOOD
    assert (await verify(client, token)).status_code == 204
    assert problem_of(await verify(client, token)) == LINK_NO_LONGER_GOOD
    assert problem_of(await verify(client, "A" * 43)) == LINK_NO_LONGER_GOOD


async def test_who_registers_an_address_again_and_again_fills_no_mailbox(
    client: httpx.AsyncClient, database: Database, published: Published
) -> None:
    """Every hour for a day: nine mails, and the last one's link is good for the last password."""
    start = now()
    for hours in range(24):
        with frozen(start + timedelta(hours=hours)):
            await ask(client, password=EVES)
            await work(database)
    assert len(await published(EmailVerificationRequested)) == 9
    with frozen(start + timedelta(days=1)):
        await ask(client)
        assert (await verify(client, await mailed(database))).status_code == 204


async def test_secrets_are_256_bits_and_only_their_hashes_are_kept(
    client: httpx.AsyncClient, database: Database, session: AsyncSession
) -> None:
    await ask(client)
    token = await mailed(database)
    proof = await session.scalar(select(AddressProof))
    assert proof is not None
    assert (len(token), proof.token_hash) == (43, digest(token))
    assert token not in str(vars(proof))


@pytest.mark.parametrize("way", ["asking for it", "logging in"])
async def test_the_mail_comes_again_for_who_asks_or_logs_in_but_not_at_once(
    client: httpx.AsyncClient, database: Database, published: Published, log_in: LogIn, way: str
) -> None:
    await ask(client)
    first = await mailed(database)
    for minutes, count in ((1, 1), (4, 2), (5, 2)):
        with frozen(now() + timedelta(minutes=minutes)):
            answer = await (ask(client, RESEND, email=EMAIL) if way == "asking for it" else log_in())
            await work(database)
        assert answer.status_code == (202 if way == "asking for it" else 401)
        assert len(await published(EmailVerificationRequested)) == count
    assert problem_of(await verify(client, first)) == LINK_NO_LONGER_GOOD
    assert (await verify(client, await mailed(database))).status_code == 204


async def test_who_logs_in_with_another_password_has_no_mail_sent(
    client: httpx.AsyncClient, database: Database, published: Published, log_in: LogIn
) -> None:
    await ask(client)
    await work(database)
    with frozen(now() + timedelta(hours=1)):
        await log_in(password=PASSWORD + "!")
    assert len(await published(EmailVerificationRequested)) == 1


async def test_asking_for_the_mail_again_tells_nothing_and_is_for_unverified_addresses_only(
    register: Register, client: httpx.AsyncClient, database: Database, published: Published, statements: Statements
) -> None:
    await register()
    answers = []
    with frozen(now() + timedelta(hours=1)):
        for email in (EMAIL, "nobody@example.com"):
            with statements() as sent:
                answers.append(await ask(client, RESEND, email=email))
            assert len(sent) == 2
            await work(database)
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert len(await published(EmailVerificationRequested)) == 1


async def test_what_nobody_verified_is_forgotten_after_a_week_and_the_trail_cannot_be_read(
    register: Register, client: httpx.AsyncClient, database: Database, session: AsyncSession
) -> None:
    await register()
    await ask(client, email="kim@example.com", full_name="Kim")
    await work(database)
    await session.execute(GIVE_KEYS)
    for days, left in ((6, 2), (8, 1)):
        with frozen(now() + timedelta(days=days)):
            await forget_unverified_accounts(session)
        assert len(await accounts(database)) == left
    assert await accounts(database) == [("Ada Marsh", True)]
    assert await session.scalar(select(func.count()).select_from(Customer)) == 1
    assert await session.scalar(text("select count(*) from person_keys where person like 'user:%'")) == 1
    assert (await ask(client, email="kim@example.com")).status_code == 202


async def test_the_address_of_a_closed_account_is_free_again(register: Register, session: AsyncSession) -> None:
    await register()
    user = await session.scalar(select(User))
    assert user is not None
    user.deleted_at = user.created_at
    await session.flush()
    assert (await register()).json()["id"] != user.id


async def test_of_many_who_register_one_address_at_once_one_gets_it(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    answers = await asyncio.gather(*(ask(fresh_client) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {202}
    await asyncio.gather(*(work(fresh_database) for _ in range(8)))
    assert await accounts(fresh_database) == [("Ada Marsh", False)]
    assert (await verify(fresh_client, await mailed(fresh_database))).status_code == 204
    async with fresh_database.read() as session:
        assert await session.scalar(text("select count(*) from tasks")) == 0


async def test_of_a_link_that_is_used_many_times_at_once_one_is_taken(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    await ask(fresh_client)
    token = await mailed(fresh_database)
    answers = await asyncio.gather(*(verify(fresh_client, token) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers)[0] == 204
    assert {problem_of(answer) for answer in answers if answer.status_code != 204} == {LINK_NO_LONGER_GOOD}
    assert len(await recorded_in(fresh_database, UserRegistered)) == 1


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
    client: httpx.AsyncClient, database: Database, session: AsyncSession, published: Published, wrong: dict[str, Any]
) -> None:
    sent = json.dumps(registration(**wrong)).encode()  # escapes lone surrogates, which httpx's own would not send
    answer = await client.post("/identity/v1/register", content=sent, headers={"content-type": "application/json"})
    assert problem_of(answer) == (422, "invalid-request")
    assert PASSWORD not in answer.text
    await work(database)
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
@pytest.mark.parametrize(
    "path", ["register", "email-verifications", "email-verifications/resend", "login", "refresh", "logout"]
)
async def test_a_body_that_is_no_proper_json_object_is_refused(
    client: httpx.AsyncClient, session: AsyncSession, path: str, body: bytes
) -> None:
    answer = await client.post(f"/identity/v1/{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert problem_of(answer)[1] in ("malformed-body", "invalid-request")


async def test_what_looks_like_code_is_kept_as_the_text_it_is(register: Register) -> None:
    assert (await register(full_name="{{7*7}} =cmd|' /C calc'!A0")).json()["full_name"] == "{{7*7}} =cmd|' /C calc'!A0"


async def test_a_password_that_everybody_tries_first_is_refused(
    client: httpx.AsyncClient, database: Database, session: AsyncSession
) -> None:
    assert problem_of(await ask(client, password="Password123456")) == (422, "common-password")
    await work(database)
    assert await session.scalar(select(func.count()).select_from(User)) == 0


async def test_nobody_opens_an_account_while_that_is_switched_off(
    client: httpx.AsyncClient, database: Database, deliver: Deliver
) -> None:
    await deliver(config_changed(1, features={"registration": False}))
    assert problem_of(await ask(client)) == (403, "switched-off")
    await work(database)
    assert await accounts(database) == []
    await deliver(config_changed(2))
    assert (await ask(client)).status_code == 202
