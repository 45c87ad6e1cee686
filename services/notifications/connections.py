"""Connections to the mail server: kept for the next mail for a moment, because to make one costs more than a mail."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import aiosmtplib

from .settings import Settings, Tls

TIMEOUT = 10.0  # seconds, for each step of the dialogue
KEPT = 2.0  # seconds that one is kept with nothing to send
MAILS_EACH = 50  # most servers have a limit, few a lower one


@dataclass(eq=False)
class Connection:
    smtp: aiosmtplib.SMTP
    mails: int = 0

    @property
    def is_good(self) -> bool:
        return self.smtp.is_connected and self.mails < MAILS_EACH

    async def quit(self) -> None:
        with contextlib.suppress(Exception):
            await self.smtp.quit()
        self.smtp.close()


@dataclass
class Connections:
    settings: Settings
    _idle: dict[Connection, asyncio.Task[None]] = field(default_factory=dict)

    async def take(self) -> Connection:
        """One that is open, if there is one: of it nobody else knows any more."""
        while self._idle:
            connection, leaving = self._idle.popitem()
            leaving.cancel()
            if connection.is_good:
                return connection
            await connection.quit()
        return await self._open()

    def give_back(self, connection: Connection) -> None:
        """After a mail that was taken; one on which anything else happened is not used again."""
        connection.mails += 1
        self._idle[connection] = asyncio.create_task(self._leave(connection))

    async def _leave(self, connection: Connection) -> None:
        await asyncio.sleep(KEPT)
        del self._idle[connection]
        await connection.quit()

    async def _open(self) -> Connection:
        settings, password = self.settings, self.settings.smtp_password
        smtp = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_tls is Tls.TLS,
            start_tls=settings.smtp_tls is Tls.STARTTLS,
            timeout=TIMEOUT,
        )
        await smtp.connect()
        return Connection(smtp)

    async def aclose(self) -> None:
        while self._idle:
            connection, leaving = self._idle.popitem()
            leaving.cancel()
            await connection.quit()
