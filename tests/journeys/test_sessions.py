"""Sessions and their keys over the gateway, against the processes that a user runs."""

import subprocess
import sys
from pathlib import Path

import httpx
import jwt

from deploy.local.demo.http import until
from deploy.local.demo.people import Person
from deploy.local.home import ROOT

from ..running import RunningSystem

WITHIN = 60.0  # seconds, until an ended session is refused everywhere
FORGOTTEN = 180.0  # seconds, until services have forgotten a key: they look every minute
ME, BOOKINGS, SESSIONS = "/identity/v1/me", "/booking/v1/bookings", "/identity/v1/sessions"
COOKIE = {"session": "cookie"}


async def status_at(http: httpx.AsyncClient, path: str, token: str) -> int:
    return (await http.get(path, headers={"Authorization": f"Bearer {token}"})).status_code


async def refused(http: httpx.AsyncClient, token: str, within: float, *paths: str) -> None:
    async def everywhere() -> bool | None:
        return {await status_at(http, path, token) for path in paths} == {401} or None

    await until("the token is refused", everywhere, within)


async def test_a_browser_signs_in_stays_and_signs_out_over_the_gateway(
    system: RunningSystem, http: httpx.AsyncClient
) -> None:
    person = await system.person(http, "customer")
    ours, theirs = {"Origin": system.site.gateway}, {"Origin": "https://evil.example"}
    async with system.http() as browser:
        login = {"email": person.email, "password": person.password, **COOKIE}
        opened = await browser.post("/identity/v1/login", json=login, headers=ours)
        assert opened.status_code == 200, opened.text
        assert "access_token" not in opened.json()
        assert set(browser.cookies) == {"mdh_access", "mdh_refresh", "mdh_logout"}
        for path in (ME, BOOKINGS):
            assert (await browser.get(path)).status_code == 200
        for headers, status in ((theirs, 403), ({}, 403), (ours, 200)):
            answer = await browser.patch(ME, json={"full_name": "Ada Moss"}, headers=headers)
            assert answer.status_code == status, answer.text
            assert (await browser.post("/identity/v1/refresh", json=COOKIE, headers=headers)).status_code == status
        token = browser.cookies["mdh_access"]
        assert (await browser.post("/identity/v1/logout", json=COOKIE, headers=ours)).status_code == 204
        assert not browser.cookies
        await refused(http, token, WITHIN, ME, BOOKINGS)


async def test_a_session_that_is_ended_from_another_is_refused_everywhere_within_a_minute(
    system: RunningSystem, http: httpx.AsyncClient
) -> None:
    here = await system.person(http, "customer")
    there = Person(http, here.name, here.email, here.password)
    await there.log_in()
    [other] = [one for one in (await here.get(SESSIONS))["items"] if not one["current"]]
    await here.ask("DELETE", f"{SESSIONS}/{other['id']}", expect=204)
    await refused(http, there.token, WITHIN, ME, BOOKINGS)
    assert await status_at(http, BOOKINGS, here.token) == 200


def mdh_keys(system: RunningSystem, *arguments: str) -> str:
    mdh = str(Path(sys.executable).with_name("mdh"))
    ran = [mdh, "keys", *arguments, "--directory", str(system.home.keys)]
    return subprocess.run(ran, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603


async def test_keys_come_and_go_without_a_restart(system: RunningSystem, http: httpx.AsyncClient) -> None:
    person = await system.person(http, "customer")
    before = person.token
    kid = mdh_keys(system, "rotate", "--now").split(".pem")[0]
    try:

        async def signed_by_the_new_one() -> bool | None:
            await person.refresh()
            return jwt.get_unverified_header(person.token)["kid"] == kid or None

        await until("a token of the new key", signed_by_the_new_one, WITHIN)

        async def known() -> bool | None:
            return await status_at(http, BOOKINGS, person.token) == 200 or None

        await until("booking knows the new key", known, WITHIN)
        for path in (ME, BOOKINGS):
            assert await status_at(http, path, before) == 200
    finally:
        (system.home.keys / f"{kid}.pem").unlink()
    await refused(http, person.token, FORGOTTEN, ME, BOOKINGS)
    for path in (ME, BOOKINGS):
        assert await status_at(http, path, before) == 200
