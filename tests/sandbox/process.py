"""The sandbox as a real process, which a test may kill."""

import asyncio
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import httpx

from shared.testing.servers import free_ports

SECRET_KEY, PUBLISHABLE_KEY, WEBHOOK_SECRET = "sk_test_suite", "pk_test_suite", "whsec_suite"
STARTS_WITHIN_SECONDS = 30


class SandboxProcess:
    """Started on a port and a state file that stay the same over a kill and a new start."""

    def __init__(self, directory: Path, webhook_url: str) -> None:
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "sandbox.log"
        self.command = [sys.executable, "-m", "deploy.local.stripe", "--port", str(self.port)]
        self.command += ["--state", str(directory / "sandbox.sqlite"), "--webhook-url", webhook_url]
        self.command += ["--webhook-secret", WEBHOOK_SECRET, "--api-key", SECRET_KEY]
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.process = self._spawned()
        async with asyncio.timeout(STARTS_WITHIN_SECONDS), httpx.AsyncClient() as http:
            while not await self._is_healthy(http):
                assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)

    def _spawned(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(self.command, stdout=log, stderr=log)  # noqa: S603 - our own command

    async def _is_healthy(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/health")).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """As `kill -9` does it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None

    async def __aenter__(self) -> "SandboxProcess":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
