"""What must be true of the system in containers before anything else is tried on it."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx

from deploy.local.demo.people import token_in
from shared.provision import SERVICES

from .project import Project

PATIENCE = 60  # seconds


def check_all_services_answer(gateway: httpx.Client) -> None:
    """Each under its prefix, through the gateway."""
    for service in SERVICES:
        gateway.get(f"/{service}/openapi.json").raise_for_status()


def check_account(gateway: httpx.Client, mail: str) -> None:
    """Registering, verifying with the mail's link, logging in, and asking with a token whose key is published."""
    keys = gateway.get("/identity/v1/.well-known/jwks.json").raise_for_status().json()["keys"]
    assert keys, "identity publishes no key"
    account = {"email": f"{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe(18)}
    wanted = {**account, "account": "customer", "full_name": "Ada Example"}
    gateway.post("/identity/v1/register", json=wanted).raise_for_status()
    _until(lambda: bool(_mails(gateway, mail, account["email"])), "no mail asked whose address it is")
    [asked] = _mails(gateway, mail, account["email"])
    letter = gateway.get(f"{mail}/api/mails/{asked['id']}").raise_for_status().json()
    proof = {"token": token_in(letter), "password": account["password"]}
    gateway.post("/identity/v1/email-verifications", json=proof).raise_for_status()
    tokens = gateway.post("/identity/v1/login", json=account).raise_for_status().json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = gateway.get("/identity/v1/me", headers=bearer).raise_for_status().json()
    assert me["email"] == account["email"], f"logged in as {me['email']}"
    gateway.get("/booking/v1/bookings", headers=bearer).raise_for_status()


def _mails(client: httpx.Client, mail: str, to: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{mail}/api/mails", params={"to": to}).raise_for_status().json()["mails"]
    return found


def check_one_service_may_be_away(project: Project, gateway: httpx.Client) -> None:
    """Without catalog the others answer; catalog is found again where it comes back."""
    project.run("stop", "--timeout", "25", "catalog-api")
    away = gateway.get("/catalog/openapi.json")
    assert away.status_code in (502, 504), f"a service that is away is answered for by {away.status_code}"
    assert away.headers["content-type"] == "application/problem+json"
    gateway.get("/booking/openapi.json").raise_for_status()
    project.run("up", "--detach", "--no-deps", "--no-build", "--scale", "catalog-api=2", "catalog-api")
    _until(lambda: gateway.get("/catalog/openapi.json").is_success, "catalog was not found again")


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.5)
