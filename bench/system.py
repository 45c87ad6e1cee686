"""The system that is measured: the runner's own, in a directory of its own, with all limits raised."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.local.environment import LOCALHOST, gateway_url
from deploy.local.home import ROOT, Home
from deploy.local.servers import Servers, servers_of
from deploy.local.state import State
from shared.auth import Actor
from shared.provision import SERVICES
from shared.testing.tokens import Signer

from .cpu import Meter

NO_LIMITS = {
    "MDH_GATEWAY_RATE": "100000r/s", "MDH_GATEWAY_BURST": "100000",
    "MDH_GATEWAY_AUTH_RATE": "100000r/s", "MDH_GATEWAY_AUTH_BURST": "100000",
    "MDH_LIMITS_TIMES": "100000",
}  # fmt: skip
UPS = 3  # on a busy machine the first may give up
REST = 1.5  # seconds without a message handled: nothing is on its way any more
UNSENT = "select (select count(*) from outbox) + (select count(*) from tasks where not failed and due_at < now())"
HANDLED = "select count(*) from inbox"


class System:
    """One that is up."""

    def __init__(self, home: Home) -> None:
        self.home, self.state, self.meter = home, State.load(home.state), Meter(home)
        self.servers: Servers = servers_of(home, self.state)
        self.gateway = gateway_url(self.state)
        [key] = home.keys.glob("*.pem")
        self._connections: dict[str, Any] = {}
        self._signer = Signer(_private(key), kid=key.stem)

    def api(self, service: str) -> str:
        """Where the service itself answers, without the gateway."""
        return f"http://{LOCALHOST}:{self.state.ports[f'{service}-api']}"

    def database_url(self, service: str) -> str:
        """As the role that the service runs as."""
        return self.servers.database_url(service, self.state.passwords()[service]["app"])

    def amqp_url(self, service: str) -> str:
        return self.servers.amqp_url(service, self.state.passwords()[service]["amqp"])

    def token(self, actor: Actor) -> str:
        """As identity signs them, without the cost of a password."""
        return self._signer.token(actor)

    async def database(self, service: str) -> Any:
        """A connection as PostgreSQL's superuser, for arranging and counting. Kept: to open one costs the server more
        than a booking does."""
        if service not in self._connections:
            self._connections[service] = await asyncpg.connect(self.servers.admin_url, database=f"mdh_{service}")
        return self._connections[service]

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def count(self, service: str, statement: str) -> int:
        return int(await (await self.database(service)).fetchval(statement))

    async def rest(self, within: float = 60.0) -> bool:
        """Wait until nothing is on its way; says whether that came to be. Then the last `REST` seconds were idle."""
        deadline, before, since = time.monotonic() + within, -1, time.monotonic()
        while time.monotonic() < deadline:
            unsent = sum([await self.count(service, UNSENT) for service in SERVICES])
            handled = sum([await self.count(service, HANDLED) for service in SERVICES])
            if unsent or handled != before:
                before, since = handled, time.monotonic()
            elif time.monotonic() - since > REST:
                return True
            await asyncio.sleep(0.25)
        return False


@contextmanager
def a_system() -> Iterator[System]:
    """Brought up, and torn down whatever happens."""
    with tempfile.TemporaryDirectory(prefix="mdh-bench-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)  # PostgreSQL's own user must be able to pass through
        home = Home(Path(directory) / "home")
        try:
            _bring_up(home)
            yield System(home)
        finally:
            _run(home, "reset")


def _bring_up(home: Home) -> None:
    for _ in range(UPS):
        said = _run(home, "up", "--no-seed")
        if said.returncode == 0:
            return
    raise SystemExit(f"the system did not come up:\n{said.stdout}\n{said.stderr}")


def _run(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.local", *arguments, "--home", str(home.path)]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | NO_LIMITS, timeout=300, capture_output=True, text=True, check=False
    )


def _private(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key
