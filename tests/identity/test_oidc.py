"""Signing in at a real OpenID provider: a certified implementation, run as a process on this machine."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr, ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.clients import LARGEST, Providers
from services.identity.domain.account import User, UserRole, UserStatus
from services.identity.domain.oidc import LIFE, Authorization, Link, Secrets
from services.identity.domain.session import RefreshToken, digest
from services.identity.settings import OpenIdProvider, Settings
from shared.auth import Actor
from shared.clock import frozen, now
from shared.contracts.identity import (
    EmailVerificationRequested,
    PasswordResetRequested,
    SignInLinked,
    SignInUnlinked,
    UserRegistered,
)
from shared.db import Database
from shared.settings import Profile, Role
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import Signer

from .conftest import EMAIL, PASSWORD, LogIn, Register, bearer, problem_of, registration, secret_mailed
from .openid import CLIENT_ID, CLIENT_SECRET, HERE, Between, OpenIdServer, openid_server, parameters, walk

PATH = "/identity/v1/oidc"


@pytest.fixture(scope="session")
def openid() -> Iterator[OpenIdServer]:
    with openid_server() as server:
        yield server


@pytest.fixture(scope="session")
def extra_settings(run_directory: Path, signer: Signer, openid: OpenIdServer) -> dict[str, Any]:
    return {
        "signing_keys_dir": signer.write_private_key(run_directory / "signing-keys"),
        "limits_times": 1000,
        "public_url": HERE,
        "oidc_providers": [OpenIdProvider.model_validate(provider) for provider in openid.settings()],
    }


@pytest.fixture
async def between(app: FastAPI) -> AsyncIterator[Between]:
    """On the line to the providers."""
    between = await listen_in(app)
    yield between
    await app.state.providers.aclose()


async def listen_in(app: FastAPI) -> Between:
    await app.state.providers.aclose()
    between = Between()
    app.state.providers = Providers(app.state.settings, between)
    return between


@asynccontextmanager
async def another_browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        yield client


async def begin(client: httpx.AsyncClient, provider: str = "told", **body: Any) -> str:
    answer = await client.post(f"{PATH}/{provider}/authorizations", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["authorization_url"])


async def come_back(client: httpx.AsyncClient, account: str | None = "ada", provider: str = "told") -> str:
    """To the provider and back again, up to our own door."""
    return await walk(await begin(client, provider), account)


async def sign_in(client: httpx.AsyncClient, account: str = "ada", provider: str = "told") -> httpx.Response:
    return await client.get(await come_back(client, account, provider))


def secrets_of(client: httpx.AsyncClient, url: str) -> Secrets:
    return Secrets(client.cookies["mdh_oidc"], parameters(url)["state"])


async def count(session: AsyncSession, table: Any) -> int:
    return await session.scalar(select(func.count()).select_from(table)) or 0


# -- who one is here --


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


# -- links --


async def test_a_link_is_taken_away_by_its_owner_unless_it_is_the_only_way_in(
    client: httpx.AsyncClient, between: Between, session: AsyncSession, published: Published,
    as_: Callable[[Actor], Headers],
) -> None:  # fmt: skip
    headers = bearer(await sign_in(client))
    [link] = (await client.get(f"{PATH}/links", headers=headers)).json()["items"]
    path = f"{PATH}/links/{link['id']}"
    assert problem_of(await client.delete(path, headers=headers)) == (409, "only-way-in")
    assert problem_of(await client.delete(path, headers=as_(await somebody(session)))) == (404, "no-such-link")
    await sign_in(client, provider="signed")
    assert (await client.delete(path, headers=headers)).status_code == 204
    assert [event.provider for event in await published(SignInUnlinked)] == ["told"]
    [left] = (await client.get(f"{PATH}/links", headers=headers)).json()["items"]
    assert left["provider"] == "signed"
    await session.execute(update(User).where(User.email == EMAIL).values(password_hash="x"))
    assert (await client.delete(f"{PATH}/links/{left['id']}", headers=headers)).status_code == 204


async def somebody(session: AsyncSession) -> Actor:
    user = User(email="eve@example.com", role=UserRole.CUSTOMER, full_name="Eve", locale="en-US", timezone="UTC")
    session.add(user)
    await session.flush()
    return Actor(user_id=user.id)


# -- the way there and back --


async def test_what_is_asked_of_the_provider(
    client: httpx.AsyncClient, between: Between, session: AsyncSession
) -> None:
    answer = await client.post(f"{PATH}/told/authorizations", json={"device": "my phone"})
    asked = parameters(answer.json()["authorization_url"])
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", CLIENT_ID)
    assert asked["scope"] == "openid email profile"
    assert asked["redirect_uri"] == f"{HERE}/identity/v1/oidc/told/callback"
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.split("; ")[1:] == ["HttpOnly", "Max-Age=600", "Path=/identity/v1/oidc", "SameSite=lax"]
    stored = await session.scalar(select(Authorization))
    assert stored is not None
    assert stored.state_hash == digest(asked["state"])
    assert asked["state"].encode() not in stored.state_hash + stored.browser_hash


async def sign_in_and_return(client: httpx.AsyncClient, account: str = "ada", to: str = "/account") -> httpx.Response:
    url = await walk(await begin(client, return_to=to), account)
    return await client.get(url, headers={"Sec-Fetch-Site": "cross-site"})


async def test_a_browser_is_sent_back_to_its_page_with_its_tokens_in_cookies(
    client: httpx.AsyncClient, between: Between
) -> None:
    answer = await sign_in_and_return(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "refresh_token" not in answer.json()
    assert (await client.get("/identity/v1/me")).json()["email"] == EMAIL


async def test_a_page_is_told_why_a_sign_in_came_to_nothing(
    client: httpx.AsyncClient, between: Between, session: AsyncSession
) -> None:
    answer = await sign_in_and_return(client, "perhaps-ada", "/account?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1&error=address-not-proven")
    between.twists["/token"] = lambda _told: httpx.Response(500)
    answer = await sign_in_and_return(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?error=provider-away")
    assert await count(session, User) == 0


async def test_a_page_asks_for_the_second_factor(
    client: httpx.AsyncClient, between: Between, session: AsyncSession, register: Register, log_in: LogIn
) -> None:
    await register()
    headers = bearer(await log_in())
    await client.post("/identity/v1/second-factor", json={"password": PASSWORD}, headers=headers)
    await session.execute(update(User).values(second_factor_at=now()))
    answer = await sign_in_and_return(client)
    page, _, challenge = answer.headers["location"].partition("#second_factor=")
    assert (answer.status_code, page, len(challenge)) == (303, "/account", 43)
    assert not [cookie for cookie in answer.headers.get_list("set-cookie") if "access" in cookie]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example.com",
        "/\\evil.example.com",
        "https://evil.example.com",
        "evil",
        "",
        "/a b",
        "/a#b",
        "/a\r\nX: y",
        "/é",
    ],
)
async def test_nobody_is_sent_to_another_site(client: httpx.AsyncClient, between: Between, elsewhere: str) -> None:
    answer = await client.post(f"{PATH}/told/authorizations", json={"return_to": elsewhere})
    assert problem_of(answer) == (422, "invalid-request")


async def test_where_one_can_sign_in_is_listed(client: httpx.AsyncClient, between: Between) -> None:
    answer = await client.get(f"{PATH}/providers")
    assert answer.json()["items"][0] == {"name": "told", "label": "Told"}
    nobody = await client.post(f"{PATH}/nobody/authorizations", json={})
    assert problem_of(nobody) == (404, "no-such-provider")


async def test_a_state_is_good_once(make_app: Callable[[Database], FastAPI], fresh_database: Database) -> None:
    app = make_app(fresh_database)
    between = await listen_in(app)
    async with another_browser(app) as client:
        url = await come_back(client)
        answers = await asyncio.gather(*(client.get(url) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
        assert problem_of(await client.get(url)) == (400, "sign-in-lost")
        assert len([one for one in between.asked if one.url.path == "/token"]) == 1
    await app.state.providers.aclose()


async def test_a_state_is_used_up_even_if_it_came_to_nothing(
    make_app: Callable[[Database], FastAPI], fresh_database: Database
) -> None:
    app = make_app(fresh_database)
    between = await listen_in(app)
    async with another_browser(app) as client:
        url = await come_back(client)
        between.twists["/token"] = lambda _told: httpx.Response(500)
        assert problem_of(await client.get(url)) == (503, "provider-away")
        between.twists.clear()
        assert problem_of(await client.get(url)) == (400, "sign-in-lost")
    await app.state.providers.aclose()


async def test_another_browser_completes_nothing_and_spoils_nothing(
    client: httpx.AsyncClient, between: Between, app: FastAPI
) -> None:
    url = await come_back(client)
    async with another_browser(app) as eve:
        assert problem_of(await eve.get(url)) == (400, "sign-in-lost")
        await begin(eve)
        assert problem_of(await eve.get(url)) == (400, "sign-in-lost")
    assert not [request for request in between.asked if request.url.path == "/token"]
    assert (await client.get(url)).status_code == 200


async def test_a_second_click_does_not_spoil_the_first(client: httpx.AsyncClient, between: Between) -> None:
    first = await begin(client)
    second = await begin(client)
    assert parameters(first)["nonce"] != parameters(second)["nonce"]
    assert (await client.get(await walk(first, "ada"))).status_code == 200
    assert (await client.get(await walk(second, "ada"))).status_code == 200


async def test_a_state_of_nobody_or_of_another_provider_is_lost(client: httpx.AsyncClient, between: Between) -> None:
    url = await come_back(client)
    stranger = url.replace(parameters(url)["state"], "x" * 43)
    assert problem_of(await client.get(stranger)) == (400, "sign-in-lost")
    assert problem_of(await client.get(url.replace("/told/", "/signed/"))) == (400, "sign-in-lost")


async def test_ten_minutes_later_it_is_too_late(client: httpx.AsyncClient, between: Between) -> None:
    url = await come_back(client)
    with frozen(now() + LIFE):
        assert problem_of(await client.get(url)) == (400, "sign-in-lost")


async def test_whoever_declines_is_told_so(client: httpx.AsyncClient, between: Between) -> None:
    url = await come_back(client, account=None)
    assert parameters(url)["error"] == "access_denied"
    assert problem_of(await client.get(url)) == (403, "sign-in-denied")


@pytest.mark.parametrize("iss", ["", "https://evil.example.com"])
async def test_an_answer_of_another_issuer_is_not_mixed_up_with_this_ones(
    client: httpx.AsyncClient, between: Between, iss: str
) -> None:
    """RFC 9207: this provider says that it names itself, so an answer that names nobody is not its own."""
    url = httpx.URL(await come_back(client))
    assert url.params["iss"]
    other = url.copy_set_param("iss", iss) if iss else url.copy_remove_param("iss")
    assert problem_of(await client.get(other)) == (400, "sign-in-lost")
    assert not [request for request in between.asked if request.url.path == "/token"]


async def test_a_code_is_good_once(client: httpx.AsyncClient, between: Between) -> None:
    """At the provider; and not even that for another sign-in of the same browser."""
    url = await come_back(client)
    assert (await client.get(url)).status_code == 200
    again = httpx.URL(await begin(client)).params["state"]
    assert problem_of(await client.get(httpx.URL(url).copy_set_param("state", again))) == (400, "sign-in-lost")


async def test_a_code_of_another_sign_in_fails_at_pkce(
    client: httpx.AsyncClient, between: Between, app: FastAPI, session: AsyncSession
) -> None:
    """Eve's code, put into the answer to Ada's request: the provider compares the verifier."""
    async with another_browser(app) as eve:
        code = parameters(await come_back(eve))["code"]
    url = httpx.URL(await come_back(client)).copy_set_param("code", code)
    assert problem_of(await client.get(url)) == (400, "sign-in-lost")
    assert await count(session, User) == 0


# -- what the provider never does --


def forged(server: OpenIdServer, sign: Callable[[dict[str, Any]], str] | None = None, **changes: Any) -> Any:
    """Another ID token in the token endpoint's answer; None takes a claim away."""

    def twist(told: dict[str, Any]) -> dict[str, Any]:
        claims = json.loads(base64.urlsafe_b64decode(told["id_token"].split(".")[1] + "=="))
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return told | {"id_token": (sign or server.sign)(claims)}

    return twist


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any]) -> str:
    return f"{segment({'alg': 'none'})}.{segment(claims)}."


def with_secret(claims: dict[str, Any]) -> str:
    """HS256 with the client's secret: truly ours and the provider's, yet not what it says that it signs with."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET))


def with_own_key(claims: dict[str, Any]) -> str:
    return OpenIdServer({}, RSAKey.generate_key(2048, {"kid": "provider-1"})).sign(claims)


FORGERIES: dict[str, dict[str, Any]] = {
    "nonce of another sign-in": {"nonce": "x" * 43},
    "nonce missing": {"nonce": None},
    "iss of another": {"iss": "https://evil.example.com"},
    "iss missing": {"iss": None},
    "aud of another": {"aud": "another"},
    "aud missing": {"aud": None},
    "aud of several without azp": {"aud": [CLIENT_ID, "another"]},
    "azp of another": {"aud": [CLIENT_ID, "another"], "azp": "another"},
    "expired": {"exp": int(time.time()) - 120},
    "exp missing": {"exp": None},
    "exp a text": {"exp": "soon"},
    "iat in the future": {"iat": int(time.time()) + 600},
    "iat missing": {"iat": None},
    "not valid yet": {"nbf": int(time.time()) + 600},
    "at_hash of another access token": {"at_hash": "x" * 22},
    "sub missing": {"sub": None},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 1},
    "sub too long": {"sub": "x" * 256},
    "unsigned": {"sign": unsigned},
    "signed with the client's secret": {"sign": with_secret},
    "signed with another key": {"sign": with_own_key},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_an_id_token_that_is_not_for_this_sign_in_opens_nothing(
    client: httpx.AsyncClient, between: Between, openid: OpenIdServer, session: AsyncSession, forgery: dict[str, Any]
) -> None:
    between.twists["/token"] = forged(openid, **forgery)
    assert problem_of(await sign_in(client, provider="signed")) == (502, "provider-unsound")
    assert (await count(session, User), await count(session, Link)) == (0, 0)


async def test_an_id_token_signed_anew_is_taken_if_all_is_as_it_should_be(
    client: httpx.AsyncClient, between: Between, openid: OpenIdServer
) -> None:
    """The control: without it every test above would pass with a line that is cut."""
    between.twists["/token"] = forged(openid, aud=[CLIENT_ID, "another"], azp=CLIENT_ID)
    assert (await sign_in(client, provider="signed")).status_code == 200


async def test_a_bit_of_the_signature_turned_opens_nothing(client: httpx.AsyncClient, between: Between) -> None:
    def twist(told: dict[str, Any]) -> dict[str, Any]:
        head, _, signature = told["id_token"].rpartition(".")
        return told | {"id_token": f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"}

    between.twists["/token"] = twist
    assert problem_of(await sign_in(client)) == (502, "provider-unsound")


async def test_userinfo_of_somebody_else_is_not_taken(client: httpx.AsyncClient, between: Between) -> None:
    between.twists["/me"] = lambda told: told | {"sub": "eve"}
    assert problem_of(await sign_in(client)) == (502, "provider-unsound")


async def test_keys_that_are_new_are_read_anew(
    client: httpx.AsyncClient, between: Between, app: FastAPI, openid: OpenIdServer
) -> None:
    between.twists["/jwks"] = lambda told: {"keys": [key | {"kid": "provider-0"} for key in told["keys"]]}
    assert problem_of(await sign_in(client)) == (502, "provider-unsound")
    between.twists.clear()
    assert (await sign_in(client)).status_code == 200


# -- a provider in trouble --

TROUBLE: dict[str, tuple[Any, tuple[int, str]]] = {
    "down": (httpx.ConnectError("refused"), (503, "provider-away")),
    "slow": (httpx.ReadTimeout("slow"), (503, "provider-away")),
    "failing": (httpx.Response(503, text="sorry"), (503, "provider-away")),
    "overrun": (httpx.Response(429), (503, "provider-away")),
    "talking of something else": (httpx.Response(200, text="<html>"), (502, "provider-unsound")),
    "answering a list": ([], (502, "provider-unsound")),
    "answering nothing": ({}, (502, "provider-unsound")),
    "answering without end": (httpx.Response(200, text=" " * LARGEST + "{}"), (503, "provider-away")),
    "sending away": (httpx.Response(302, headers={"Location": "http://169.254.169.254/"}), (502, "provider-unsound")),
    "not knowing us": (httpx.Response(401, json={"error": "invalid_client"}), (502, "provider-unsound")),
}


@pytest.mark.parametrize(("trouble", "told"), TROUBLE.values(), ids=TROUBLE.keys())
async def test_a_provider_in_trouble_is_named_and_nothing_is_written(
    client: httpx.AsyncClient, between: Between, session: AsyncSession, trouble: Any, told: tuple[int, str]
) -> None:
    url = await come_back(client)
    between.twists["/token"] = lambda _told: trouble
    answer = await client.get(url)
    assert problem_of(answer) == told
    assert ("retry-after" in answer.headers) == (told[0] == 503)
    assert await count(session, User) == 0


async def test_nobody_is_sent_to_a_provider_that_is_away(client: httpx.AsyncClient, session: AsyncSession) -> None:
    answer = await client.post(f"{PATH}/away/authorizations", json={})
    assert problem_of(answer) == (503, "provider-away")
    assert await count(session, Authorization) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://127.0.0.1:2"},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": None},
    ],
    ids=["another issuer", "an endpoint without https", "no keys"],
)
async def test_a_discovery_document_that_is_not_this_issuers_is_not_followed(
    client: httpx.AsyncClient, between: Between, change: dict[str, Any]
) -> None:
    between.twists["/.well-known/openid-configuration"] = lambda told: told | change
    answer = await client.post(f"{PATH}/told/authorizations", json={})
    assert problem_of(answer) == (502, "provider-unsound")


async def test_only_algorithms_with_a_key_of_the_providers_own_are_taken(
    client: httpx.AsyncClient, between: Between, openid: OpenIdServer
) -> None:
    """Even if it says that it signs with a secret, and tells everybody which."""
    shared = OctKey.import_key(CLIENT_SECRET, {"kid": "shared"})
    between.twists |= {
        "/.well-known/openid-configuration": lambda told: told | {"id_token_signing_alg_values_supported": ["HS256"]},
        "/jwks": lambda _told: {"keys": [shared.as_dict(private=True)]},
        "/token": forged(openid, sign=lambda claims: jwt.encode({"alg": "HS256", "kid": "shared"}, claims, shared)),
    }
    assert problem_of(await sign_in(client)) == (502, "provider-unsound")


# -- settings --


@pytest.mark.parametrize(
    "providers",
    [
        [{"issuer": "http://accounts.example.com"}],
        [{"issuer": "https://a.example.com"}, {"issuer": "https://b.example.com"}],
        [{"issuer": "https://a.example.com", "name": "../x"}],
        [{"issuer": "https://a.example.com", "scopes": "email"}],
        [{"issuer": "https://a.example.com", "typo": 1}],
    ],
    ids=["plain http", "two of one name", "no name", "no openid", "unknown"],
)
def test_production_does_not_start_with_such_providers(providers: list[dict[str, Any]]) -> None:
    given = [{"name": "acme", "client_id": "x", "client_secret": "y"} | provider for provider in providers]
    with pytest.raises(ValidationError):
        Settings.model_validate(
            {
                "profile": Profile.PRODUCTION,
                "role": Role.API,
                "database_url": SecretStr("postgresql+asyncpg://x"),
                "oidc_providers": given,
            }
        )
