"""Whose account it is that a provider's word opens."""

import httpx
import pyotp
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.account import User, UserRole, UserStatus
from services.identity.domain.oidc import Link
from services.identity.domain.session import RefreshToken
from shared.clock import now
from shared.contracts.identity import (
    EmailVerificationRequested,
    PasswordResetRequested,
    SignInLinked,
    SignInUnlinked,
    UserRegistered,
)
from shared.db import Database
from shared.testing.configuration import config_changed
from shared.testing.plugin import Deliver, Published

from ..conftest import EMAIL, PASSWORD, LogIn, Register, bearer, problem_of, registration, secret_mailed
from ..openid import Between
from .browser import PATH, count, sign_in, sign_in_and_return


@pytest.mark.parametrize("provider", ["told", "signed"])
async def test_whoever_is_new_gets_an_account_that_is_verified_and_has_no_password(
    client: httpx.AsyncClient, between: Between, session: AsyncSession, published: Published, log_in: LogIn,
    provider: str,
) -> None:  # fmt: skip
    answer = await sign_in(client, provider=provider)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    me = (await client.get("/identity/v1/me", headers=bearer(answer))).json()
    told = (me["email"], me["full_name"], me["locale"], me["timezone"])
    assert told == ("ada@example.com", "Ada Marsh", "en-GB", "Europe/London")
    assert me["customer"]["id"]
    user = await session.scalar(select(User))
    assert user is not None
    assert (user.is_verified, user.has_password) == (True, False)
    assert [type(event) for event in await published()] == [UserRegistered, SignInLinked]
    for password in (PASSWORD, " "):
        assert problem_of(await log_in(password=password)) == (401, "wrong-credentials")
    asked_userinfo = any(request.url.path == "/me" for request in between.asked)
    assert asked_userinfo == (provider == "told")


async def test_the_second_sign_in_finds_the_link_whatever_address_is_told_then(
    client: httpx.AsyncClient, between: Between, session: AsyncSession
) -> None:
    first = (await client.get("/identity/v1/me", headers=bearer(await sign_in(client)))).json()
    between.twists["/me"] = lambda told: told | {"email": "moved@example.com", "email_verified": False}
    again = (await client.get("/identity/v1/me", headers=bearer(await sign_in(client)))).json()
    assert (again["id"], again["email"]) == (first["id"], "ada@example.com")
    assert (await count(session, User), await count(session, Link)) == (1, 1)


async def test_while_registration_is_switched_off_only_those_who_have_an_account_sign_in(
    client: httpx.AsyncClient, between: Between, session: AsyncSession, deliver: Deliver
) -> None:
    await deliver(config_changed(1, features={"registration": False}))
    assert problem_of(await sign_in(client)) == (403, "switched-off")
    assert await count(session, User) == 0
    await deliver(config_changed(2))
    await sign_in(client)
    await deliver(config_changed(3, features={"registration": False}))
    assert (await sign_in(client)).status_code == 200


async def test_an_account_with_the_same_verified_address_is_linked_and_keeps_its_password(
    client: httpx.AsyncClient, between: Between, register: Register, log_in: LogIn, published: Published
) -> None:
    ada = (await register()).json()
    answer = await sign_in(client)
    assert (await client.get("/identity/v1/me", headers=bearer(answer))).json()["id"] == ada["id"]
    assert (await log_in()).status_code == 200
    [linked] = await published(SignInLinked)
    assert (linked.user_id, linked.provider) == (ada["id"], "told")
    links = (await client.get(f"{PATH}/links", headers=bearer(answer))).json()["items"]
    assert [(link["provider"], link["email"]) for link in links] == [("told", EMAIL)]


@pytest.mark.parametrize("account", ["perhaps-ada", "says-so", "no-address", "bad-address"])
@pytest.mark.parametrize("known", [True, False])
async def test_an_address_that_the_provider_does_not_vouch_for_links_and_opens_nothing(
    client: httpx.AsyncClient, between: Between, register: Register, session: AsyncSession, account: str, known: bool
) -> None:
    if known:
        await register()
    before = await count(session, User)
    assert problem_of(await sign_in(client, account)) == (403, "address-not-proven")
    assert (await count(session, User), await count(session, Link)) == (before, 0)


async def test_whoever_asked_for_an_account_with_somebodys_address_first_does_not_get_into_theirs(
    client: httpx.AsyncClient, between: Between, database: Database, session: AsyncSession, log_in: LogIn
) -> None:
    """Eve registers with Ada's address and a password of her own; then Ada signs in at the provider."""
    await client.post("/identity/v1/register", json=registration())
    secret = await secret_mailed(database, EmailVerificationRequested)
    answer = await sign_in(client)
    assert (await client.get("/identity/v1/me", headers=bearer(answer))).json()["full_name"] == "Ada Marsh"
    await client.post("/identity/v1/email-verifications", json={"token": secret})
    assert problem_of(await log_in()) == (401, "wrong-credentials")
    assert [user.has_password for user in await session.scalars(select(User))] == [False]


async def test_a_reset_ends_the_links_whose_address_is_not_the_accounts(
    client: httpx.AsyncClient, database: Database, between: Between, register: Register, session: AsyncSession,
    published: Published,
) -> None:  # fmt: skip
    """Whoever had the account before could go on signing in elsewhere."""
    await register()
    await sign_in(client)
    for address, left in ((EMAIL.upper(), 1), ("eve@example.com", 0)):
        await session.execute(update(Link).values(email=address))
        await client.post("/identity/v1/password/resets", json={"email": EMAIL})
        form = {"token": await secret_mailed(database, PasswordResetRequested), "password": "sparrow-Cellar-77-knot"}
        assert (await client.post("/identity/v1/password/resets/confirm", json=form)).status_code == 204
        assert await count(session, Link) == left
    [ended] = await published(SignInUnlinked)
    user = (await session.scalars(select(User).execution_options(populate_existing=True))).one()
    assert (ended.provider, ended.version) == ("told", user.version)


async def test_an_address_that_became_somebody_elses_at_the_provider_opens_no_account(
    client: httpx.AsyncClient, between: Between, session: AsyncSession
) -> None:
    await sign_in(client)
    assert problem_of(await sign_in(client, "another-ada")) == (409, "linked-otherwise")
    assert await count(session, Link) == 1


async def test_two_providers_can_be_linked_to_one_account(client: httpx.AsyncClient, between: Between) -> None:
    one, two = await sign_in(client), await sign_in(client, provider="signed")
    ids = {(await client.get("/identity/v1/me", headers=bearer(answer))).json()["id"] for answer in (one, two)}
    assert len(ids) == 1


async def test_what_a_provider_says_of_somebody_is_taken_as_if_they_said_it_themselves(
    client: httpx.AsyncClient, between: Between
) -> None:
    me = (await client.get("/identity/v1/me", headers=bearer(await sign_in(client, "odd")))).json()
    assert (me["full_name"], me["locale"], me["timezone"]) == ("odd", "en-US", "UTC")


@pytest.mark.parametrize("role", [UserRole.ADMIN, UserRole.SUPPORT])
@pytest.mark.parametrize("linked", [False, True])
async def test_staff_are_neither_linked_nor_let_in(
    client: httpx.AsyncClient, between: Between, register: Register, session: AsyncSession, published: Published,
    role: UserRole, linked: bool,
) -> None:  # fmt: skip
    if linked:  # before they came to be staff
        await sign_in(client)
    else:
        await register()
    await session.execute(update(User).values(role=role))
    before = await count(session, Link), await count(session, RefreshToken), len(await published())
    assert problem_of(await sign_in(client)) == (403, "staff-sign-in-here")
    assert before == (await count(session, Link), await count(session, RefreshToken), len(await published()))
    answer = await sign_in_and_return(client)
    assert answer.headers["location"] == "/account?error=staff-sign-in-here"


async def test_a_suspended_account_stays_shut(
    client: httpx.AsyncClient, between: Between, session: AsyncSession
) -> None:
    await sign_in(client)
    await session.execute(update(User).values(status=UserStatus.SUSPENDED, suspended_at=now(), suspension_reason="x"))
    before = await count(session, RefreshToken)
    assert problem_of(await sign_in(client)) == (403, "account-suspended")
    assert await count(session, RefreshToken) == before


async def test_who_closed_their_account_can_come_back(
    client: httpx.AsyncClient, between: Between, session: AsyncSession
) -> None:
    before = (await client.get("/identity/v1/me", headers=bearer(await sign_in(client)))).json()
    await session.execute(update(User).values(deleted_at=now()))
    after = (await client.get("/identity/v1/me", headers=bearer(await sign_in(client)))).json()
    assert (after["email"], after["id"] != before["id"]) == (before["email"], True)


async def test_the_second_factor_is_asked_for_here_too(
    client: httpx.AsyncClient, between: Between, register: Register, log_in: LogIn
) -> None:
    await register()
    headers = bearer(await log_in())
    factor = "/identity/v1/second-factor"
    secret = (await client.post(factor, json={"password": PASSWORD}, headers=headers)).json()["secret"]
    totp = pyotp.TOTP(secret)
    await client.post(f"{factor}/confirm", json={"code": totp.at(now())}, headers=headers)
    answer = await sign_in(client)
    assert set(answer.json()) == {"second_factor"}
    proof = {"challenge": answer.json()["second_factor"]["challenge"], "code": totp.at(now(), counter_offset=1)}
    assert (await client.post("/identity/v1/login/second-factor", json=proof)).status_code == 200
