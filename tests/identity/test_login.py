"""Opening a session with address and password."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

import httpx
import jwt
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import QueuePool

from services.identity import passwords
from services.identity.domain.account import User, UserStatus
from services.identity.domain.session import RefreshToken, digest
from services.identity.passwords import Passwords
from shared.auth import verify
from shared.db import Database
from shared.errors import Overloaded

from .conftest import EMAIL, PASSWORD, LogIn, Register, problem_of, registered, registration

Statements = Callable[[], AbstractContextManager[list[str]]]


async def test_who_knows_the_password_gets_tokens(
    register: Register, log_in: LogIn, session: AsyncSession, app: FastAPI
) -> None:
    me = (await register()).json()
    answer = await log_in(device="Ada's phone")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    actor = await verify(tokens["access_token"], app.state.keys, app.state.settings)
    assert actor.user_id == me["id"]
    stored = await session.scalar(select(RefreshToken))
    assert stored is not None
    assert stored.token_hash == digest(tokens["refresh_token"])
    assert (stored.device, stored.address) == ("Ada's phone", "127.0.0.1")


async def test_an_access_token_is_what_rfc_9068_says_and_lives_for_a_quarter_of_an_hour(
    register: Register, log_in: LogIn
) -> None:
    me = (await register()).json()
    token = (await log_in()).json()["access_token"]
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": "test"}
    assert claims.pop("exp") - claims.pop("iat") == 900
    assert claims.pop("jti")
    assert UUID(claims.pop("sid"))
    assert claims == {
        "sub": str(me["id"]),
        "iss": "mdh-identity",
        "aud": "mdh",
        "roles": ["customer"],
        "customer": me["customer"]["id"],
        "affiliates": {},
    }


async def test_the_address_may_be_spelled_in_any_case(register: Register, log_in: LogIn) -> None:
    await register(email="Ada@Example.com")
    assert (await log_in("aDA@example.COM")).status_code == 200


async def test_a_password_is_the_same_in_every_unicode_spelling(register: Register, log_in: LogIn) -> None:
    await register(password="re\u0301sume\u0301-Gantry-58")
    assert (await log_in(password="r\u00e9sum\u00e9-Gantry-58")).status_code == 200


async def test_wrong_password_and_unknown_address_are_told_in_the_same_words(
    register: Register, log_in: LogIn, session: AsyncSession
) -> None:
    await register()
    wrong, unknown = await log_in(password=PASSWORD + "!"), await log_in("eve@example.com")
    assert problem_of(wrong) == problem_of(unknown) == (401, "wrong-credentials")
    told = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in (wrong, unknown)]
    assert told[0] == told[1]
    assert await session.scalar(select(func.count()).select_from(RefreshToken)) == 0


@pytest.mark.usefixtures("strong_passwords")
async def test_an_unknown_address_costs_a_hash_too(
    register: Register, log_in: LogIn, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register()
    computed: list[str | None] = []
    compute = Passwords._compute

    def note(self: Passwords, password: str, known: str | None) -> str:
        computed.append(known)
        return compute(self, password, known)

    monkeypatch.setattr(Passwords, "_compute", note)
    await log_in(password=PASSWORD + "!")
    await log_in("eve@example.com")
    assert len(computed) == 2
    parameters = {(hash or "").rsplit("$", 2)[0] for hash in computed}
    assert parameters == {"$argon2id$v=19$m=19456,t=2,p=1"}


async def test_the_empty_hash_and_the_dummy_hash_match_no_password() -> None:
    hashing = Passwords(at_once=1)
    assert not await hashing.match(PASSWORD, None)
    assert not await hashing.match(PASSWORD, "")
    assert not await hashing.match(PASSWORD, "not a hash")


async def test_a_suspended_account_says_so_only_to_who_knows_the_password(
    register: Register, log_in: LogIn, session: AsyncSession
) -> None:
    await register()
    user = await session.scalar(select(User))
    assert user is not None
    user.status = UserStatus.SUSPENDED
    await session.flush()
    assert problem_of(await log_in(password=PASSWORD + "!")) == (401, "wrong-credentials")
    assert problem_of(await log_in()) == (403, "account-suspended")


async def test_a_closed_account_is_an_unknown_one(register: Register, log_in: LogIn, session: AsyncSession) -> None:
    await register()
    user = await session.scalar(select(User))
    assert user is not None
    user.deleted_at = user.created_at
    await session.flush()
    assert problem_of(await log_in()) == (401, "wrong-credentials")


async def test_a_login_takes_four_statements(register: Register, log_in: LogIn, statements: Statements) -> None:
    await register()
    with statements() as sent:
        assert (await log_in()).status_code == 200
    assert len(sent) == 4


@pytest.mark.parametrize(
    "body",
    [
        {"email": EMAIL},
        {"email": EMAIL, "password": ["x"]},
        {"email": EMAIL, "password": "x" * 129},
        {"email": EMAIL, "password": "a\x00b"},
        {"email": "nobody", "password": PASSWORD},
        {"email": EMAIL, "password": PASSWORD, "device": "a\nb"},
        {"email": EMAIL, "password": PASSWORD, "device": "x" * 201},
        {"email": EMAIL, "password": PASSWORD, "is_admin": True},
    ],
)
async def test_bad_input_opens_no_session(
    register: Register, client: httpx.AsyncClient, session: AsyncSession, body: dict[str, object]
) -> None:
    await register()
    assert problem_of(await client.post("/identity/v1/login", json=body)) == (422, "invalid-request")
    assert await session.scalar(select(func.count()).select_from(RefreshToken)) == 0


async def test_hashing_leaves_the_event_loop_free_and_goes_two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most = 0, 0

    def slow(_self: Passwords, _password: str, _known: str | None) -> str:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.005)
        at_work -= 1
        return "hash"

    monkeypatch.setattr(Passwords, "_compute", slow)
    hashing = Passwords(at_once=2)
    turns = 0

    async def spin() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    spinning = asyncio.create_task(spin())
    await asyncio.gather(*(hashing.hash(PASSWORD) for _ in range(10)))
    spinning.cancel()
    assert most == 2
    assert turns > 10


async def test_too_many_who_wait_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING", 3)
    hashing = Passwords(at_once=1)
    outcomes = await asyncio.gather(*(hashing.hash(PASSWORD) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, str, str, Overloaded, Overloaded]


async def test_no_connection_is_kept_while_a_password_is_hashed(
    fresh_client: httpx.AsyncClient, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever waits for a hash would keep everybody else from the database."""
    await registered(fresh_client, fresh_database)
    taken: list[int] = []
    compute = Passwords._compute

    def note(self: Passwords, password: str, known: str | None) -> str:
        pool = fresh_database.engine.pool
        assert isinstance(pool, QueuePool)
        taken.append(pool.checkedout())
        return compute(self, password, known)

    monkeypatch.setattr(Passwords, "_compute", note)
    await fresh_client.post("/identity/v1/register", json=registration(email="kim@example.com"))
    await fresh_client.post("/identity/v1/login", json={"email": EMAIL, "password": PASSWORD})
    assert taken == [0, 0]
