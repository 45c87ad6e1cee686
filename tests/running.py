"""The whole system as real processes, for journeys and chaos: brought up as users do it, killed as fate does."""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

import httpx
import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import text

from deploy.local.demo import affiliates, customers
from deploy.local.demo.http import until
from deploy.local.demo.outside import verify
from deploy.local.demo.people import JSON, Person
from deploy.local.demo.site import site_of
from deploy.local.home import ROOT, Home
from deploy.local.servers import servers_of
from deploy.local.state import State
from deploy.local.supervision import Supervision
from shared.auth import Actor
from shared.db import Database
from shared.provision import VHOST
from shared.tasks import LEASE
from shared.testing.tokens import Signer

UP_SECONDS, UPS = 240, 3  # one `up`, and how many of them: on a busy machine the first may give up
PATIENCE = 240.0  # seconds, for anything that is sure to come
POLL, REST = 0.5, 7.0  # seconds
ZIP = "85701"
PRICE = 5900
# Events to be published, and calls to the outside that are due or being made.
WAITING = text(
    "select (select count(*) from outbox) +"
    " (select count(*) from tasks where not failed and due_at < now() + cast(:lease as interval))"
)
OPEN_LIMITS = {
    "MDH_GATEWAY_RATE": "10000r/s", "MDH_GATEWAY_BURST": "10000",
    "MDH_GATEWAY_AUTH_RATE": "1000r/s", "MDH_GATEWAY_AUTH_BURST": "1000", "MDH_ERASURE_DELAY_SECONDS": "10",
}  # fmt: skip


def command(home: Home, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "deploy.local", *arguments, "--home", str(home.path)]


def run(home: Home, *arguments: str, within: float = UP_SECONDS, **variables: str) -> subprocess.CompletedProcess[str]:
    """One of the runner's commands, as in a terminal."""
    return subprocess.run(  # noqa: S603
        command(home, *arguments), cwd=ROOT, env=os.environ | OPEN_LIMITS | variables, timeout=within,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def bring_up(home: Home) -> None:
    for _ in range(UPS):
        result = run(home, "up", "--no-seed")
        if result.returncode == 0:
            return
    raise AssertionError(f"the system did not come up:\n{result.stdout}\n{result.stderr}")


@dataclass
class Shop:
    """An approved affiliate with one offer, open around the clock."""

    owner: Person
    affiliate: JSON
    tier: JSON


class RunningSystem:
    """One home that is up."""

    def __init__(self, home: Home) -> None:
        self.home, self.site = home, site_of(home)
        [key] = home.keys.glob("*.pem")
        self.signer = Signer(_private(key), kid=key.stem)

    def http(self, **options: Any) -> httpx.AsyncClient:
        """A client of the gateway."""
        return httpx.AsyncClient(base_url=self.site.gateway, timeout=60, trust_env=False, **options)

    def headers(self, actor: Actor) -> dict[str, str]:
        """A token as identity signs them, without the cost of a password."""
        return {"Authorization": f"Bearer {self.signer.token(actor)}"}

    async def kill(self, program: str) -> None:
        """`kill -9`, with what it has started. The supervisor starts it again; it may be at it from the last time."""
        await until(f"{program} to kill", lambda: asyncio.to_thread(self._kill, program), PATIENCE)

    def _kill(self, program: str) -> bool | None:
        """None: it does not run right now."""
        pid = Supervision(self.home).processes()[program]["pid"]
        if not pid:
            return None
        try:
            process = psutil.Process(pid)
            for each in (*process.children(recursive=True), process):
                each.kill()
        except psutil.NoSuchProcess:
            return None
        return True

    async def person(self, http: httpx.AsyncClient, account: str) -> Person:
        """Registered, verified and logged in."""
        person = Person(http, account.title(), f"{account}-{token_hex(4)}@example.com", token_urlsafe(18))
        await person.register(account)
        await verify(person, self.site.mail, PATIENCE)
        await person.log_in()
        return person

    async def admin(self, http: httpx.AsyncClient) -> Person:
        admin = Person(http, "Administrator", self.site.admin_email, self.site.admin_password)
        await admin.log_in()
        return admin

    async def shop(self, http: httpx.AsyncClient) -> Shop:
        """Booking knows it when this returns."""
        owner, admin = await self.person(http, "affiliate"), await self.admin(http)
        applied = await affiliates.apply(owner, f"Shop {token_hex(4)}", ZIP)
        approved = await affiliates.approve(admin, applied)
        offer = {"category": "interior", "name": "Cabin clean", "tiers": [affiliates.tier("Quick", PRICE, 60)]}
        tier = (await affiliates.publish(owner, approved["id"], offer))["tiers"][0]
        always = affiliates.ALWAYS
        await until("availability", lambda: affiliates.open_hours(admin, approved["id"], always), PATIENCE)
        await until("slots", lambda: customers.first_slot(owner, tier["id"]), PATIENCE)
        return Shop(owner, approved, tier)

    async def rest(self) -> None:
        """Until nothing has been on its way for a while: the broker counts its messages every five seconds only."""
        deadline, since = time.monotonic() + PATIENCE, time.monotonic()
        while time.monotonic() - since < REST:
            if on_its_way := await self.untold() | await self._unheard():
                since = time.monotonic()
                assert since < deadline, f"still on its way after {PATIENCE:.0f} s: {on_its_way}"
            await asyncio.sleep(POLL)

    async def untold(self) -> dict[str, int]:
        """What the services have yet to tell each other, or the outside."""
        counted = {service: await _waiting(url) for service, url in self.site.databases.items()}
        return {service: waiting for service, waiting in counted.items() if waiting}

    async def _unheard(self) -> dict[str, int]:
        """What is in the queues, the dead letters too: of those there are to be none."""
        state = State.load(self.home.state)
        servers = servers_of(self.home, state)
        account = (servers.management_user, servers.management_password)
        async with httpx.AsyncClient(base_url=servers.management_url, auth=account, trust_env=False) as http:
            queues = (await http.get(f"/api/queues/{VHOST}")).raise_for_status().json()
        return {queue["name"]: queue["messages"] for queue in queues if queue.get("messages")}


async def _waiting(url: str) -> int:
    database = Database(url, pool_size=1, application_name="tests")
    try:
        async with database.read() as session:
            return await session.scalar(WAITING, {"lease": LEASE}) or 0
    finally:
        await database.close()


def _private(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key
