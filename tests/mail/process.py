"""The mail catcher as a real process, which a test may kill, and what a client does with it."""

import asyncio
import re
import smtplib
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from shared.testing.servers import free_ports

STARTS_WITHIN_SECONDS = 30


class Catcher:
    def __init__(self, directory: Path) -> None:
        self.smtp_port, self.http_port = free_ports(2)
        self.state = directory / "mail"
        self.log = directory / "catcher.log"
        self.command = [sys.executable, "-m", "deploy.local.mail", "--state", str(self.state)]
        self.command += ["--smtp-port", str(self.smtp_port), "--http-port", str(self.http_port)]
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.http_port}")
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.process = self._spawned()
        async with asyncio.timeout(STARTS_WITHIN_SECONDS):
            while not await self._is_healthy():
                assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)

    def _spawned(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(self.command, stdout=log, stderr=log)  # noqa: S603 - our own command

    async def _is_healthy(self) -> bool:
        try:
            return (await self.http.get("/health")).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """As `kill -9` does it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    async def __aenter__(self) -> "Catcher":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)

    def send_now(self, message: EmailMessage | bytes, *to: str, timeout: float = 10) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=timeout) as client:
            if isinstance(message, EmailMessage):
                client.send_message(message, "mdh@example.org", list(to))
            else:
                client.sendmail("mdh@example.org", list(to), message)

    async def send(self, message: EmailMessage | bytes, *to: str, timeout: float = 10) -> None:  # noqa: ASYNC109
        await asyncio.to_thread(self.send_now, message, *to, timeout=timeout)

    async def script(self, **line: Any) -> None:
        (await self.http.post("/api/script", json=line)).raise_for_status()

    async def mails(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/api/mails", params=query)).json()["mails"]
        return found

    async def mail(self, **query: str) -> dict[str, Any]:
        """The one mail that matches, in full."""
        (found,) = await self.mails(**query)
        mail: dict[str, Any] = (await self.http.get(f"/api/mails/{found['id']}")).json()
        return mail


def message(subject: str, text: str = "Hello", html: str | None = None) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "MDH <mdh@example.org>", "Zoë <zoe@example.org>"
    made["Message-ID"] = f"<{re.sub('[^a-zA-Z0-9]+', '-', subject)}@example.org>"
    made.set_content(text)
    if html is not None:
        made.add_alternative(html, subtype="html")
    return made
