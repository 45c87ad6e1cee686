"""Sessions of browsers: the tokens are in cookies, and never in an answer."""

from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.domain.session import RefreshToken
from shared.contracts.identity import SessionEnded
from shared.settings import Profile, Settings
from shared.testing.plugin import Headers, Published

from .conftest import EMAIL, PASSWORD, LogIn, Refresh, Register, bearer, problem_of
from .test_sessions import ENDED

OURS = {"Origin": "http://localhost:8080"}
COOKIE = {"session": "cookie"}
LOGIN = {"email": EMAIL, "password": PASSWORD, **COOKIE}
CROSS_SITE = (403, "cross-site-request")


def cookies_of(answer: httpx.Response) -> dict[str, Morsel[str]]:
    set_cookie = answer.headers.get_list("set-cookie")
    return {name: morsel for line in set_cookie for name, morsel in SimpleCookie(line).items()}


async def post(client: httpx.AsyncClient, path: str, body: Any, headers: Headers = OURS) -> httpx.Response:
    return await client.post(f"/identity/v1/{path}", json=body, headers=headers)


@pytest.fixture
async def browser(register: Register, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Signed in: it keeps its cookies and sends them where they belong, as browsers do."""
    await register()
    assert (await post(client, "login", LOGIN)).status_code == 200
    return client


async def test_the_tokens_are_in_cookies_that_no_script_reads_and_not_in_the_answer(
    register: Register, client: httpx.AsyncClient
) -> None:
    await register()
    answer = await post(client, "login", LOGIN)
    assert set(answer.json()) == {"session", "expires_in", "refresh_expires_at"}
    assert answer.headers["cache-control"] == "no-store"
    cookies = cookies_of(answer)
    assert {name: cookie["path"] for name, cookie in cookies.items()} == {
        "mdh_access": "/",
        "mdh_refresh": "/identity/v1/refresh",
        "mdh_logout": "/identity/v1/logout",
    }
    for name, cookie in cookies.items():
        assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "strict", "")
        assert cookie.value not in answer.text
        assert int(cookie["max-age"]) in ([900] if name == "mdh_access" else range(14 * 86_400 - 60, 14 * 86_400 + 1))


async def test_over_https_their_names_keep_other_hosts_from_setting_them(
    register: Register, client: httpx.AsyncClient, app: FastAPI
) -> None:
    await register()
    public = "https://mdh.example"
    app.state.settings = app.state.settings.model_copy(update={"public_url": public})
    cookies = cookies_of(await post(client, "login", LOGIN, {"Origin": public}))
    assert set(cookies) == {"__Host-mdh_access", "__Secure-mdh_refresh", "__Secure-mdh_logout"}
    assert all(cookie["secure"] for cookie in cookies.values())
    access = cookies["__Host-mdh_access"].value
    for name, status in (("__Host-mdh_access", 200), ("mdh_access", 401), ("__Secure-mdh_access", 401)):
        answer = await client.get("/identity/v1/me", headers={"Cookie": f"{name}={access}"})
        assert answer.status_code == status, name
    refresh = {"Origin": public, "Cookie": f"__Secure-mdh_refresh={cookies['__Secure-mdh_refresh'].value}"}
    assert (await post(client, "refresh", COOKIE, refresh)).status_code == 200


def test_production_has_no_cookies_without_tls() -> None:
    told: dict[str, Any] = {"database_url": "x", "jwks_url": "x", "amqp_url": "x", "public_url": "http://mdh.example"}
    assert Settings(**told).secure_cookies
    assert not Settings(**told, profile=Profile.LOCAL).secure_cookies
    assert Settings(**told | {"public_url": "https://mdh.example"}, profile=Profile.LOCAL).secure_cookies


async def test_a_browser_stays_signed_in_and_signs_out(
    browser: httpx.AsyncClient, published: Published, session: AsyncSession
) -> None:
    assert (await browser.get("/identity/v1/me")).status_code == 200
    before = dict(browser.cookies)
    assert (await post(browser, "refresh", COOKIE)).status_code == 200
    assert all(browser.cookies[name] != value for name, value in before.items())
    assert browser.cookies["mdh_refresh"] == browser.cookies["mdh_logout"]
    listed = (await browser.get("/identity/v1/sessions")).json()["items"]
    assert [one["current"] for one in listed] == [True]
    out = await post(browser, "logout", COOKIE)
    assert (out.status_code, out.content) == (204, b"")
    assert {name: (c.value, c["max-age"]) for name, c in cookies_of(out).items()} == dict.fromkeys(before, ("", "0"))
    assert not browser.cookies
    assert len(await published(SessionEnded)) == 1
    assert (await browser.get("/identity/v1/me")).status_code == 401
    assert (await session.scalars(select(RefreshToken.revoked_at).order_by(RefreshToken.id.desc()))).first()


async def test_signing_out_may_be_repeated_and_leaves_no_cookie(browser: httpx.AsyncClient) -> None:
    for _ in range(2):
        out = await post(browser, "logout", COOKIE)
        assert (out.status_code, len(cookies_of(out))) == (204, 3)


async def test_without_its_cookie_there_is_no_session(client: httpx.AsyncClient) -> None:
    assert problem_of(await post(client, "refresh", COOKIE)) == ENDED


async def test_a_token_from_a_cookie_never_gets_into_an_answer(browser: httpx.AsyncClient) -> None:
    """Or a script that got into our pages could carry the session away."""
    for body in ({}, {"session": "bearer"}):
        assert problem_of(await post(browser, "refresh", body)) == (422, "invalid-request")
    answer = await post(browser, "refresh", COOKIE)
    assert not {"access_token", "refresh_token"} & set(answer.json())


async def test_a_used_cookie_is_a_used_token(browser: httpx.AsyncClient, refresh: Refresh) -> None:
    stolen = browser.cookies["mdh_refresh"]
    for _ in range(2):
        await post(browser, "refresh", COOKIE)
    assert problem_of(await refresh(stolen)) == ENDED
    assert problem_of(await post(browser, "refresh", COOKIE)) == ENDED


async def test_an_api_client_gets_no_cookies(register: Register, log_in: LogIn, refresh: Refresh) -> None:
    await register()
    opened = await log_in()
    for answer in (opened, await refresh(opened.json()["refresh_token"])):
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers


async def test_a_second_factor_can_lead_to_cookies_too(client: httpx.AsyncClient) -> None:
    body = {"challenge": "A" * 43, "code": "123456", **COOKIE}
    assert problem_of(await post(client, "login/second-factor", body))[0] == 401


async def test_with_another_password_a_browser_goes_on_in_cookies(browser: httpx.AsyncClient) -> None:
    wanted = {"password": PASSWORD, "new_password": "sparrow-Cellar-77-knot", **COOKIE}
    answer = await post(browser, "password", wanted)
    assert (answer.status_code, len(cookies_of(answer))) == (200, 3)
    assert "refresh_token" not in answer.json()
    assert (await browser.get("/identity/v1/me")).status_code == 200


@pytest.mark.parametrize("kind", ["cookies", "", "COOKIE", None, True, 1, ["cookie"]])
async def test_there_are_two_ways_to_keep_a_session(client: httpx.AsyncClient, kind: Any) -> None:
    for path in ("login", "refresh", "logout"):
        body = {"session": kind} | ({"email": EMAIL, "password": PASSWORD} if path == "login" else {})
        assert problem_of(await post(client, path, body)) == (422, "invalid-request")


# -- other sites --

OTHERS = [
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:8081"},
    {"Origin": "https://localhost:8080"},
    {"Origin": "http://localhost:8080.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "Same-Origin"},
    {"Referer": "http://localhost:8080/"},
    {"Host": "localhost:8080", "Origin": "http://test"},
]
OWN: list[Headers] = [OURS, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]


@pytest.mark.parametrize("headers", OTHERS, ids=str)
async def test_another_site_can_neither_sign_in_nor_refresh_nor_sign_out(
    browser: httpx.AsyncClient, session: AsyncSession, headers: Headers
) -> None:
    before = dict(browser.cookies)
    for path, body in (("login", LOGIN), ("refresh", COOKIE), ("logout", COOKIE)):
        answer = await post(browser, path, body, headers)
        assert problem_of(answer) == CROSS_SITE, path
        assert "set-cookie" not in answer.headers
    assert dict(browser.cookies) == before
    assert len((await session.scalars(select(RefreshToken))).all()) == 1
    assert (await post(browser, "refresh", COOKIE)).status_code == 200


@pytest.mark.parametrize("headers", OWN, ids=str)
async def test_our_own_pages_can(browser: httpx.AsyncClient, headers: Headers) -> None:
    for path, body in (("refresh", COOKIE), ("logout", COOKIE), ("login", LOGIN)):
        assert (await post(browser, path, body, headers)).status_code in (200, 204), path


async def test_an_api_client_is_of_no_site(register: Register, log_in: LogIn, client: httpx.AsyncClient) -> None:
    await register()
    headers = bearer(await log_in()) | {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = await client.patch("/identity/v1/me", json={"full_name": "Ada Moss"}, headers=headers)
    assert answer.status_code == 200
