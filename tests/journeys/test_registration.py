"""From registration to signed in, as a person does it: with the mail, and the page that it links to."""

from secrets import token_hex

import httpx

from deploy.local.demo import outside
from deploy.local.demo.http import until
from deploy.local.demo.people import JSON, LINK, token_in

from ..running import PATIENCE, RunningSystem

KNOWN, RESET = "You have an account already", "A new password for your account"


async def mailed(system: RunningSystem, http: httpx.AsyncClient, to: str, subject: str) -> JSON:
    mail = system.site.mail
    return await until(f"{subject} to {to}", lambda: outside.newest_letter(http, mail, to, subject), PATIENCE)


def link_in(letter: JSON, page: str, gateway: str) -> str:
    [link] = [word for word in letter["text"].split() if LINK.search(word)]
    assert link.startswith(f"{gateway}/identity/v1/pages/{page}?token=")
    return str(link)


async def test_who_registers_reads_the_mail_verifies_and_logs_in(
    system: RunningSystem, http: httpx.AsyncClient
) -> None:
    email, password = f"ada-{token_hex(4)}@example.com", token_hex(12)
    wanted = {"account": "customer", "email": email, "password": password, "full_name": "Ada Marsh"}
    login = {"email": email, "password": password}
    asked = await http.post("/identity/v1/register", json=wanted)
    assert asked.status_code == 202
    assert (await http.post("/identity/v1/login", json=login)).status_code == 401
    letter = await mailed(system, http, email, outside.VERIFY)
    page = await http.get(link_in(letter, "verify-email", system.site.gateway))
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert (await http.post("/identity/v1/login", json=login)).status_code == 401  # a look changes nothing
    pressed = await http.post("/identity/v1/pages/verify-email", data={"token": token_in(letter), "password": password})
    assert pressed.status_code == 200, pressed.text
    tokens = await http.post("/identity/v1/login", json=login)
    assert tokens.status_code == 200
    me = await http.get("/identity/v1/me", headers={"Authorization": f"Bearer {tokens.json()['access_token']}"})
    assert me.json()["email"] == email
    again = await http.post("/identity/v1/register", json=wanted)
    assert (again.status_code, again.content) == (202, asked.content)
    await mailed(system, http, email, KNOWN)


async def test_who_has_forgotten_the_password_sets_another(system: RunningSystem, http: httpx.AsyncClient) -> None:
    person, password = await system.person(http, "customer"), token_hex(12)
    assert (await http.post("/identity/v1/password/resets", json={"email": person.email})).status_code == 202
    letter = await mailed(system, http, person.email, RESET)
    link_in(letter, "reset-password", system.site.gateway)
    form = {"token": token_in(letter), "password": password}
    assert (await http.post("/identity/v1/pages/reset-password", data=form)).status_code == 200
    refreshed = await http.post("/identity/v1/refresh", json={"refresh_token": person.refresh_token})
    assert refreshed.status_code == 401
    person.password = password
    await person.log_in()
    await mailed(system, http, person.email, "Your password was changed")


async def test_no_secret_of_a_mail_is_in_a_log_or_an_answer(system: RunningSystem, http: httpx.AsyncClient) -> None:
    person = await system.person(http, "customer")
    await http.post("/identity/v1/password/resets", json={"email": person.email})
    secret = token_in(await mailed(system, http, person.email, RESET))
    await http.get("/identity/v1/pages/reset-password", params={"token": secret})
    admin = await system.admin(http)
    await system.rest()
    shown = await admin.ask("GET", "/notifications/v1/communications", params={"limit": 100})
    assert shown.json()["items"]
    assert secret not in shown.text
    assert [log.name for log in system.home.logs.rglob("*") if log.is_file() and secret in log.read_text()] == []
