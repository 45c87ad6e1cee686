"""Another password, another address, no account any more."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import AffiliateUser, Customer, User, UserRole
from services.identity.domain.session import RefreshToken
from shared.auth import Role
from shared.clock import frozen, now
from shared.contracts.identity import (
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    MemberRemoved,
    PasswordChanged,
    PasswordResetRequested,
    RegistrationRepeated,
    UserChanged,
    UserClosed,
    UserRegistered,
)
from shared.db import Database
from shared.testing.plugin import Deliver, Headers, Published, recorded_in

from .conftest import (
    EMAIL,
    PASSWORD,
    LogIn,
    Refresh,
    Register,
    actor_in,
    bearer,
    problem_of,
    registered,
    registration,
    secret_mailed,
    work,
)
from .test_sessions import waiting_for_locks

Statements = Callable[[], AbstractContextManager[list[str]]]
NEW, NEW_EMAIL = "sparrow-Cellar-77-knot", "moss@example.com"
RESETS, RESET = "/identity/v1/password/resets", "/identity/v1/password/resets/confirm"
CHANGE, MOVE, MOVED = "/identity/v1/password", "/identity/v1/email-changes", "/identity/v1/email-changes/confirm"
CLOSE, ME, VERIFY = "/identity/v1/me/close", "/identity/v1/me", "/identity/v1/email-verifications"
GONE = (422, "link-no-longer-good")


@pytest.fixture
async def ada(register: Register, log_in: LogIn) -> Headers:
    await register()
    return bearer(await log_in())


async def reset_token(client: httpx.AsyncClient, database: Database, email: str = EMAIL) -> str:
    assert (await client.post(RESETS, json={"email": email})).status_code == 202
    return await secret_mailed(database, PasswordResetRequested, email)


async def move_token(client: httpx.AsyncClient, database: Database, headers: Headers, email: str = NEW_EMAIL) -> str:
    wanted = {"email": email, "password": PASSWORD}
    assert (await client.post(MOVE, json=wanted, headers=headers)).status_code == 202
    return await secret_mailed(database, EmailChangeRequested, email)


def proof(token: str, password: str = PASSWORD) -> dict[str, str]:
    return {"token": token, "password": password}


async def the_user(session: AsyncSession) -> User:
    return (await session.scalars(select(User).execution_options(populate_existing=True))).one()


# -- reset --


async def test_a_reset_sets_the_password_ends_every_session_and_is_told(
    ada: Headers, client: httpx.AsyncClient, app: FastAPI, database: Database, deliver: Deliver,
    published: Published, log_in: LogIn, refresh: Refresh,
) -> None:  # fmt: skip
    sessions = [(await log_in()).json()["refresh_token"] for _ in range(2)]
    token = await reset_token(client, database)
    assert (await client.post(RESET, json={"token": token, "password": NEW})).status_code == 204
    [told] = await published(PasswordChanged)
    assert (told.user_id, told.version, told.email) == (actor_in(await log_in(password=NEW)).user_id, 2, EMAIL)
    assert problem_of(await log_in()) == (401, "wrong-credentials")
    for session in sessions:
        assert problem_of(await refresh(session)) == (401, "session-ended")
    await deliver(told)
    await app.state.revocations.refresh()
    assert problem_of(await client.get(ME, headers=ada)) == (401, "unauthenticated")
    assert (await client.get(ME, headers=bearer(await log_in(password=NEW)))).status_code == 200


async def test_who_asks_for_a_reset_learns_nothing(
    register: Register, client: httpx.AsyncClient, database: Database, published: Published, statements: Statements
) -> None:
    await register()
    answers, sent = [], []
    for email in (EMAIL, "nobody@example.com"):
        with statements() as counted:
            answers.append(await client.post(RESETS, json={"email": email}))
        sent.append([statement.split()[:3] for statement in counted])
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert sent[0] == sent[1]
    await work(database)
    assert [event.email for event in await published(PasswordResetRequested)] == [EMAIL]


async def test_a_reset_link_is_good_once_for_an_hour_and_only_the_last_one(
    register: Register, client: httpx.AsyncClient, database: Database, log_in: LogIn
) -> None:
    await register()
    first, second = await reset_token(client, database), await reset_token(client, database)
    assert problem_of(await client.post(RESET, json={"token": first, "password": NEW})) == GONE
    with frozen(now() + timedelta(minutes=61)):
        assert problem_of(await client.post(RESET, json={"token": second, "password": NEW})) == GONE
    assert (await client.post(RESET, json={"token": second, "password": NEW})).status_code == 204
    assert problem_of(await client.post(RESET, json={"token": second, "password": PASSWORD})) == GONE
    assert (await log_in(password=NEW)).status_code == 200


async def test_a_common_password_is_refused_and_the_link_stays_good(
    register: Register, client: httpx.AsyncClient, database: Database
) -> None:
    await register()
    token = await reset_token(client, database)
    for common in ("Password123456", "Marsh-example-Marsh1"):
        answer = await client.post(RESET, json={"token": token, "password": common})
        assert problem_of(answer) == (422, "common-password")
    assert (await client.post(RESET, json={"token": token, "password": NEW})).status_code == 204


async def test_a_reset_verifies_the_address_of_who_never_did(
    client: httpx.AsyncClient, database: Database, published: Published, log_in: LogIn
) -> None:
    await client.post("/identity/v1/register", json=registration())
    verification = await secret_mailed(database, EmailVerificationRequested)
    token = await reset_token(client, database)
    assert (await client.post(RESET, json={"token": token, "password": NEW})).status_code == 204
    assert [event.version for event in await published(UserRegistered)] == [1]
    assert [event.version for event in await published(PasswordChanged)] == [2]
    assert (await log_in(password=NEW)).status_code == 200
    assert problem_of(await client.post(VERIFY, json=proof(verification))) == GONE


async def test_the_secrets_of_one_purpose_are_good_for_no_other(
    ada: Headers, client: httpx.AsyncClient, database: Database
) -> None:
    reset, move = await reset_token(client, database), await move_token(client, database, ada)
    for path, body in (
        (RESET, {"token": move, "password": NEW}),
        (MOVED, proof(reset)),
        (VERIFY, proof(reset)),
        (VERIFY, proof(move)),
    ):
        assert problem_of(await client.post(path, json=body)) == GONE


async def test_of_a_reset_that_is_sent_many_times_at_once_one_is_made(
    fresh_client: httpx.AsyncClient, fresh_database: Database
) -> None:
    await registered(fresh_client, fresh_database)
    token = await reset_token(fresh_client, fresh_database)
    wanted = {"token": token, "password": NEW}
    answers = await asyncio.gather(*(fresh_client.post(RESET, json=wanted) for _ in range(6)))
    assert [answer.status_code for answer in answers].count(204) == 1
    assert {problem_of(answer) for answer in answers if answer.status_code != 204} == {GONE}
    assert len(await recorded_in(fresh_database, PasswordChanged)) == 1


# -- change --


async def test_a_change_of_the_password_ends_the_other_sessions_and_goes_on_with_fresh_tokens(
    ada: Headers, client: httpx.AsyncClient, app: FastAPI, deliver: Deliver, published: Published, log_in: LogIn,
    refresh: Refresh,
) -> None:  # fmt: skip
    other = await log_in()
    answer = await client.post(CHANGE, json={"password": PASSWORD, "new_password": NEW}, headers=ada)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    [told] = await published(PasswordChanged)
    await deliver(told)
    await app.state.revocations.refresh()
    for old in (ada, bearer(other)):
        assert problem_of(await client.get(ME, headers=old)) == (401, "unauthenticated")
    assert problem_of(await refresh(other.json()["refresh_token"])) == (401, "session-ended")
    assert (await client.get(ME, headers=bearer(answer))).status_code == 200
    assert (await refresh(answer.json()["refresh_token"])).status_code == 200
    assert problem_of(await log_in()) == (401, "wrong-credentials")
    assert (await log_in(password=NEW)).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"password": PASSWORD + "!", "new_password": NEW}, (403, "wrong-password")),
        ({"password": PASSWORD, "new_password": "Password123456"}, (422, "common-password")),
        ({"password": PASSWORD, "new_password": "Ada-Marsh-example-1"}, (422, "common-password")),
        ({"password": PASSWORD, "new_password": "short"}, (422, "invalid-request")),
        ({"new_password": NEW}, (422, "invalid-request")),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    ada: Headers, client: httpx.AsyncClient, published: Published, log_in: LogIn, wanted: Any, refusal: tuple[int, str]
) -> None:
    assert problem_of(await client.post(CHANGE, json=wanted, headers=ada)) == refusal
    assert await published(PasswordChanged) == []
    assert (await log_in()).status_code == 200


async def test_a_new_password_ends_the_links_that_were_sent_before(
    ada: Headers, client: httpx.AsyncClient, database: Database
) -> None:
    reset, move = await reset_token(client, database), await move_token(client, database, ada)
    await client.post(CHANGE, json={"password": PASSWORD, "new_password": NEW}, headers=ada)
    assert problem_of(await client.post(RESET, json={"token": reset, "password": PASSWORD})) == GONE
    assert problem_of(await client.post(MOVED, json=proof(move))) == GONE


@pytest.mark.usefixtures("strong_passwords")
async def test_a_hash_of_other_parameters_is_renewed_at_the_next_login(
    register: Register, log_in: LogIn, session: AsyncSession, statements: Statements
) -> None:
    await register()
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await session.execute(update(User).values(password_hash=weak))
    for count in (5, 4):  # the limit's among them
        with statements() as sent:
            assert (await log_in()).status_code == 200
        assert len(sent) == count
        assert (await the_user(session)).password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_wrong_password_renews_nothing(register: Register, log_in: LogIn, session: AsyncSession) -> None:
    await register()
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await session.execute(update(User).values(password_hash=weak))
    await log_in(password=PASSWORD + "!")
    assert (await the_user(session)).password_hash == weak


# -- another address --


async def test_another_address_is_taken_once_it_is_confirmed_there_and_the_old_one_is_told(
    ada: Headers, client: httpx.AsyncClient, database: Database, published: Published, log_in: LogIn
) -> None:
    token = await move_token(client, database, ada)
    assert (await client.get(ME, headers=ada)).json()["email"] == EMAIL
    assert (await client.post(MOVED, json=proof(token))).status_code == 204
    me = await client.get(ME, headers=ada)
    assert (me.json()["email"], me.headers["etag"]) == (NEW_EMAIL, '"2"')
    [changed], [told] = await published(UserChanged), await published(EmailChanged)
    assert (changed.email, changed.version, changed.customer_id) == (NEW_EMAIL, 2, me.json()["customer"]["id"])
    assert (told.email, told.old_email, told.version) == (NEW_EMAIL, EMAIL, 2)
    assert (await log_in(NEW_EMAIL)).status_code == 200
    assert problem_of(await log_in()) == (401, "wrong-credentials")
    assert problem_of(await client.post(MOVED, json=proof(token))) == GONE


async def test_the_link_alone_moves_no_account_to_an_address(
    ada: Headers, client: httpx.AsyncClient, database: Database, published: Published
) -> None:
    """Who reads the new address may not be who asked for it."""
    token = await move_token(client, database, ada)
    assert problem_of(await client.post(MOVED, json=proof(token, NEW))) == (403, "not-this-password")
    assert (await client.post(MOVED, json={"token": token})).status_code == 422
    assert await published(EmailChanged) == []
    assert (await client.post(MOVED, json=proof(token))).status_code == 204


async def test_a_change_of_address_ends_the_links_that_were_sent_to_the_old_one(
    ada: Headers, client: httpx.AsyncClient, database: Database
) -> None:
    reset = await reset_token(client, database)
    await client.post(MOVED, json=proof(await move_token(client, database, ada)))
    assert problem_of(await client.post(RESET, json={"token": reset, "password": NEW})) == GONE


async def test_nobody_moves_an_account_without_its_password(
    ada: Headers, client: httpx.AsyncClient, database: Database, published: Published
) -> None:
    wanted = {"email": NEW_EMAIL, "password": PASSWORD + "!"}
    assert problem_of(await client.post(MOVE, json=wanted, headers=ada)) == (403, "wrong-password")
    await work(database)
    assert await published(EmailChangeRequested) == []


async def test_that_an_address_is_taken_is_told_to_its_owner_alone(
    ada: Headers, register: Register, client: httpx.AsyncClient, database: Database, published: Published
) -> None:
    await register(email="kim@example.com", full_name="Kim Lane")
    answers = [
        await client.post(MOVE, json={"email": email, "password": PASSWORD}, headers=ada)
        for email in ("KIM@example.com", "free@example.com")
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    await work(database)
    assert [event.email for event in await published(RegistrationRepeated)] == ["kim@example.com"]
    assert [event.email for event in await published(EmailChangeRequested)] == ["free@example.com"]


async def test_an_address_that_was_taken_meanwhile_is_refused(
    ada: Headers, register: Register, client: httpx.AsyncClient, database: Database, published: Published
) -> None:
    token = await move_token(client, database, ada)
    await register(email=NEW_EMAIL)
    assert problem_of(await client.post(MOVED, json=proof(token))) == (409, "email-taken")
    assert await published(EmailChanged) == []
    assert (await client.get(ME, headers=ada)).json()["email"] == EMAIL


async def test_who_only_asked_for_an_account_with_the_address_does_not_stand_in_the_way(
    ada: Headers, client: httpx.AsyncClient, database: Database, session: AsyncSession
) -> None:
    await client.post("/identity/v1/register", json=registration(email=NEW_EMAIL))
    token = await move_token(client, database, ada)
    await work(database)
    assert (await client.post(MOVED, json=proof(token))).status_code == 204
    assert [user.email for user in await session.scalars(select(User))] == [NEW_EMAIL]


async def test_the_spelling_of_ones_own_address_can_be_changed(
    ada: Headers, client: httpx.AsyncClient, database: Database
) -> None:
    token = await move_token(client, database, ada, "Ada@example.com")
    assert (await client.post(MOVED, json=proof(token))).status_code == 204
    assert (await client.get(ME, headers=ada)).json()["email"] == "Ada@example.com"


# -- closing --


async def test_a_closed_account_is_gone_for_everybody_and_its_address_is_free(
    ada: Headers, client: httpx.AsyncClient, app: FastAPI, deliver: Deliver, published: Published, log_in: LogIn,
    register: Register, session: AsyncSession, database: Database,
) -> None:  # fmt: skip
    reset = await reset_token(client, database)
    assert (await client.post(CLOSE, json={"password": PASSWORD}, headers=ada)).status_code == 204
    [told] = await published(UserClosed)
    assert (told.version, told.email) == (2, EMAIL)
    assert problem_of(await log_in()) == (401, "wrong-credentials")
    assert problem_of(await client.post(RESET, json={"token": reset, "password": NEW})) == GONE
    await deliver(told)
    await app.state.revocations.refresh()
    assert problem_of(await client.get(ME, headers=ada)) == (401, "unauthenticated")
    for kept in (User, Customer):
        assert (await session.scalars(select(kept.deleted_at))).one() is not None
    assert await session.scalar(select(func.count()).where(RefreshToken.revoked_at.is_(None))) == 0
    assert (await register()).json()["id"] != told.user_id


async def test_nobody_closes_an_account_without_its_password(
    ada: Headers, client: httpx.AsyncClient, published: Published
) -> None:
    answer = await client.post(CLOSE, json={"password": PASSWORD + "!"}, headers=ada)
    assert problem_of(answer) == (403, "wrong-password")
    assert await published(UserClosed) == []


async def test_the_last_owner_of_a_team_stays_until_there_is_another(
    ada: Headers, client: httpx.AsyncClient, session: AsyncSession, published: Published
) -> None:
    ada_id = (await the_user(session)).id
    kim = User(email="kim@example.com", role=UserRole.AFFILIATE, full_name="Kim", locale="en-US", timezone="UTC")
    session.add(kim)
    await session.flush()
    session.add(AffiliateUser(affiliate_id=31, user_id=ada_id, role=Role.OWNER))
    session.add(AffiliateUser(affiliate_id=31, user_id=kim.id, role=Role.MANAGER))
    await session.flush()
    assert problem_of(await client.post(CLOSE, json={"password": PASSWORD}, headers=ada)) == (409, "last-owner")
    assert (await client.get(ME, headers=ada)).status_code == 200
    await session.execute(update(AffiliateUser).where(AffiliateUser.user_id == kim.id).values(role=Role.OWNER))
    assert (await client.post(CLOSE, json={"password": PASSWORD}, headers=ada)).status_code == 204
    assert [event.user_id for event in await published(MemberRemoved)] == [ada_id]


@pytest.mark.parametrize(("path", "done"), [(CLOSE, 204), ("/identity/v1/me/erasure", 202)])
async def test_of_two_owners_who_go_at_once_one_stays(
    fresh_client: httpx.AsyncClient, fresh_database: Database, path: str, done: int
) -> None:
    people = [await registered(fresh_client, fresh_database, email=f"{name}@example.com") for name in ("ada", "kim")]
    async with fresh_database.begin() as session:
        session.add_all(AffiliateUser(affiliate_id=31, user_id=id, role=Role.OWNER) for id in people)
    logins = [{"email": f"{name}@example.com", "password": PASSWORD} for name in ("ada", "kim")]
    headers = [bearer(await fresh_client.post("/identity/v1/login", json=login)) for login in logins]
    async with asyncio.TaskGroup() as group, fresh_database.begin() as session:
        await session.execute(select(AffiliateUser).with_for_update())  # holds them both at one place
        wanted = {"password": PASSWORD}
        sent = [group.create_task(fresh_client.post(path, json=wanted, headers=mine)) for mine in headers]
        await waiting_for_locks(fresh_database, 2)
    answers = [task.result() for task in sent]
    assert sorted(answer.status_code for answer in answers) == [done, 409]
    async with fresh_database.begin() as session:
        left = select(func.count()).where(AffiliateUser.removed_at.is_(None), AffiliateUser.role == Role.OWNER)
        assert await session.scalar(left) == 1


async def test_the_last_administrator_stays(
    ada: Headers, client: httpx.AsyncClient, session: AsyncSession, log_in: LogIn
) -> None:
    await session.execute(text("update users set role = 'admin'"))
    answer = await client.post(CLOSE, json={"password": PASSWORD}, headers=bearer(await log_in()))
    assert problem_of(answer) == (409, "last-administrator")
