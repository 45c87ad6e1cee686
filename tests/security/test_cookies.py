"""The access token in its cookie, at identity and at booking: as good as in its header, and for no other site."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from shared.auth import Actor
from shared.db import Database
from shared.settings import Settings
from shared.testing.plugin import Headers
from shared.testing.tokens import Signer

from .conftest import Door

UNSAFE = {
    "identity": [("PATCH", "/identity/v1/me"), ("DELETE", "/identity/v1/sessions")],
    "booking": [("POST", "/booking/v1/bookings"), ("PUT", "/booking/v1/affiliates/31/availability")],
}
OTHERS: list[Headers] = [
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://pages.localhost:8080"},
]
OURS: list[Headers] = [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost:8080"}]


@pytest.fixture
def cookie(signer: Signer, actor: Actor) -> Headers:
    return {"Cookie": f"other=1; mdh_access={signer.token(actor)}; more=2"}


async def test_a_cookie_opens_the_door(client: httpx.AsyncClient, door: Door, cookie: Headers) -> None:
    assert (await client.get(door.path, headers=cookie)).status_code == 200


@pytest.mark.parametrize("headers", [*OTHERS, *OURS], ids=str)
async def test_reading_needs_no_proof_of_the_site(
    client: httpx.AsyncClient, door: Door, cookie: Headers, headers: Headers
) -> None:
    assert (await client.get(door.path, headers=cookie | headers)).status_code == 200


@pytest.mark.parametrize("headers", OTHERS, ids=str)
async def test_another_site_changes_nothing(
    client: httpx.AsyncClient, door: Door, cookie: Headers, headers: Headers
) -> None:
    for method, path in UNSAFE[door.service]:
        answer = await client.request(method, path, json={}, headers=cookie | headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/cross-site-request"), path


@pytest.mark.parametrize("headers", OURS, ids=str)
async def test_our_own_pages_change_what_they_may(
    client: httpx.AsyncClient, door: Door, cookie: Headers, headers: Headers
) -> None:
    for method, path in UNSAFE[door.service]:
        answer = await client.request(method, path, json={}, headers=cookie | headers)
        assert answer.status_code not in (401, 500), path
        assert "cross-site" not in answer.text


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp4"])
async def test_a_header_wins_over_the_cookie_whatever_it_holds(
    client: httpx.AsyncClient, door: Door, cookie: Headers, header: str
) -> None:
    assert (await client.get(door.path, headers=cookie | {"Authorization": header})).status_code == 401


async def test_a_good_header_wins_over_a_bad_cookie_and_is_of_no_site(
    client: httpx.AsyncClient, door: Door, signer: Signer, actor: Actor
) -> None:
    headers = {"Authorization": f"Bearer {signer.token(actor)}", "Cookie": "mdh_access=x"}
    assert (await client.get(door.path, headers=headers)).status_code == 200
    for method, path in UNSAFE[door.service]:
        answer = await client.request(method, path, json={}, headers=headers | {"Sec-Fetch-Site": "cross-site"})
        assert "cross-site" not in answer.text


@pytest.mark.parametrize(
    "form",
    [
        "access_token={}",
        "MDH_ACCESS={}",
        "__Host-mdh_access={}",
        "mdh_refresh={}",
        "mdh_access={}x",
        "mdh_access=",
        "mdh_access",
        "mdh_access=Bearer {}",
        'mdh_access="{}"',
        "mdh_access={}; mdh_access=x",
        "mdh_access=x; mdh_access={}",
        "mdh_access={0}; mdh_access={0}",
        "x=1, mdh_access={}",
        "mdh_access%3D{}",
        "mdh_access\t\x00={}",
    ],
)
async def test_a_cookie_of_another_form_is_none(
    client: httpx.AsyncClient, door: Door, signer: Signer, actor: Actor, form: str
) -> None:
    headers = {b"cookie": form.format(signer.token(actor)).encode()}
    answer = await client.get(door.path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


# -- pages of other origins (CORS) --

PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,content-type"}
PAGES, EVIL = "https://pages.example", "https://evil.example"


@pytest.fixture
def open_app(make_app: Callable[[Database], FastAPI], database: Database, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The service, told of one other origin."""
    monkeypatch.setenv("MDH_ALLOWED_ORIGINS", f"{PAGES}/, https://more.example:443")
    return make_app(database)


@pytest.fixture
def open_client(open_app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(open_app), base_url="http://test")


async def test_without_setting_no_preflight_is_answered(client: httpx.AsyncClient, door: Door) -> None:
    answer = await client.options(door.path, headers=PREFLIGHT | {"Origin": PAGES})
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_preflight_is_answered_for_allowed_origins_only(open_client: httpx.AsyncClient, door: Door) -> None:
    good = await open_client.options(door.path, headers=PREFLIGHT | {"Origin": PAGES})
    assert (good.status_code, good.headers["access-control-allow-origin"]) == (200, PAGES)
    assert good.headers["access-control-allow-credentials"] == "true"
    for origin in (EVIL, "null", PAGES + ".evil.example", "http://pages.example", "https://pages.example:8443"):
        bad = await open_client.options(door.path, headers=PREFLIGHT | {"Origin": origin})
        assert bad.status_code == 400
        assert "access-control-allow-origin" not in bad.headers


async def test_pages_of_an_allowed_origin_are_ours(open_client: httpx.AsyncClient, door: Door, cookie: Headers) -> None:
    for origin, ours in ((PAGES, True), ("https://more.example", True), (EVIL, False)):
        read = await open_client.get(door.path, headers=cookie | {"Origin": origin})
        assert ("access-control-allow-origin" in read.headers) is ours
        assert "Origin" in read.headers["vary"]
        for method, path in UNSAFE[door.service]:
            headers = cookie | {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            answer = await open_client.request(method, path, json={}, headers=headers)
            assert ("cross-site-request" in answer.text) is not ours


@pytest.mark.parametrize("told", ["pages.example", "ftp://pages.example", "https://", "javascript:1", "null", "*"])
def test_what_is_no_origin_is_refused_at_the_start(told: str) -> None:
    for name in ("allowed_origins", "public_url"):
        with pytest.raises(ValueError, match="origin"):
            Settings.model_validate({"database_url": "x", "jwks_url": "x", "amqp_url": "x", name: told})
