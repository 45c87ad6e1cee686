"""Booking and payments as processes, with broker, databases and provider of their own; any process can be made to die.

Only what the money path needs, so that a process is back in a second: booking's API is in the test's own process, and
notifications is there only where mail is wanted.
"""

import multiprocessing
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import aio_pika
import httpx
from sqlalchemy import text

from shared.broker import DELAYS, retry_exchange
from shared.db import Database
from shared.provision import consumers_of
from shared.revocation import Revocations
from shared.serve import load
from shared.settings import Profile, Role
from shared.testing.databases import Templates
from shared.testing.plugin import account_url, until
from shared.testing.servers import RabbitMQ, free_ports
from shared.testing.tokens import Signer
from tests.mail.process import Catcher
from tests.sandbox.driver import Driver
from tests.sandbox.process import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET, SandboxProcess

from .victim import Point, run

MONEY, MAIL = ("booking", "payments"), ("notifications",)
PATIENCE = 60.0  # seconds, for anything that is sure to come
SECONDS_UP = 30.0
KILLED = -9
# Time passes: leases of who was killed are over, and whoever was quiet for five minutes is asked about.
TIME_PASSES = {
    "booking": ["update tasks set due_at = now() where due_at > now()"],
    "payments": [
        "update tasks set due_at = now() where due_at > now()",
        "update payments set checked_at = now() - interval '10 minutes'",
        "update refunds set updated_at = now() - interval '10 minutes' where status = 'sent'",
    ],
    "notifications": ["update tasks set due_at = now() where due_at > now()"],
}
LEFT = text("select (select count(*) from outbox) + (select count(*) from tasks)")


@dataclass
class Program:
    """One process: which service in which role, what it is told, and where it writes."""

    service: str
    environment: dict[str, str]
    log: Path
    process: BaseProcess | None = None

    def start(self, dies_at: Point | None = None) -> None:
        context = multiprocessing.get_context("forkserver")
        arguments = (self.service, self.environment, str(self.log), dies_at)
        self.process = context.Process(target=run, args=arguments, daemon=True)
        self.process.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    async def died(self) -> bool:
        """False as long as it lives; that it ended in any other way than by `kill -9` is a fault."""
        assert self.process is not None
        if self.process.exitcode is None:
            return False
        assert self.process.exitcode == KILLED, self.log.read_text()[-5_000:]
        return True


@dataclass
class Stage:
    databases: dict[str, Database]
    programs: dict[str, Program]
    sandbox: Driver
    signer: Signer
    booking: httpx.AsyncClient
    broker: RabbitMQ
    ports: dict[str, int]
    mail: Catcher | None = None

    async def open(self) -> None:
        """With queues as empty as the databases: nothing of another stage is heard on this one."""
        await self._purge()
        for program in self.programs.values():
            program.start()
        for name in self.programs:
            await self._up(name)

    async def close(self) -> None:
        for program in self.programs.values():
            program.kill()
        await self.booking.aclose()
        await self.sandbox.close()
        for database in self.databases.values():
            await database.close()

    async def restart(self, name: str, dies_at: Point | None = None) -> None:
        """It may come to its point at once, by what was left to be done."""
        program = self.programs[name]
        program.kill()
        program.start(dies_at)
        await self._up(name)
        await self.let_time_pass()

    async def died(self, name: str) -> None:
        """It has come to its point; that it never does is a fault of the table."""
        await until(self.programs[name].died, PATIENCE)

    async def _up(self, name: str) -> None:
        url = f"http://127.0.0.1:{self.ports[name]}/health/ready"

        async def answers() -> bool:
            try:
                return (await self.sandbox.http.get(url)).status_code == 200
            except httpx.TransportError:
                return await self.programs[name].died()

        await until(answers, SECONDS_UP)

    async def let_time_pass(self) -> None:
        for service, database in self.databases.items():
            async with database.begin() as session:
                for statement in TIME_PASSES[service]:
                    await session.execute(text(statement))
        await self.sandbox.control("POST", "webhooks/retry")

    async def rest(self) -> None:
        """Until nothing is on its way any more, in outboxes, tasks or queues."""
        await until(self._is_at_rest, PATIENCE)

    async def _is_at_rest(self) -> bool:
        for database in self.databases.values():
            async with database.read() as session:
                if await session.scalar(LEFT):
                    return False
        waiting = await self.sandbox.control("GET", "deliveries?state=pending")
        return not waiting and not any((await self.queued()).values())

    async def queued(self) -> dict[str, int]:
        """How many messages wait in the queues of those who are here, to be tried again and dead letters too."""
        async with await aio_pika.connect(self.broker.amqp_admin_url) as connection:
            channel = await connection.channel()
            queues = [await channel.declare_queue(name, passive=True) for name in self._queues()]
            return {queue.name: queue.declaration_result.message_count or 0 for queue in queues}

    async def _purge(self) -> None:
        async with await aio_pika.connect(self.broker.amqp_admin_url) as connection:
            channel = await connection.channel()
            for name in self._queues():
                await (await channel.get_queue(name)).purge()

    def _queues(self) -> list[str]:
        names = [consumer.queue for service in self.databases for consumer in consumers_of(service)]
        return names + [f"{service}.dead" for service in self.databases] + [retry_exchange(delay) for delay in DELAYS]


RUN = (("booking", Role.WORKER), ("payments", Role.WORKER), ("payments", Role.API), ("notifications", Role.WORKER))


@asynccontextmanager
async def stage(
    templates: Templates, broker: RabbitMQ, signer: Signer, directory: Path, *, mail: bool = False
) -> AsyncIterator[Stage]:
    """All of it, up and empty; the processes are gone at the end."""
    services = (*MONEY, *MAIL) if mail else MONEY
    run = [(service, role) for service, role in RUN if service in services]
    mains = [f"services.{service}.main" for service in services]
    multiprocessing.get_context("forkserver").set_forkserver_preload(["tests.chaos.victim", *mains])
    ports = dict(zip([f"{service}-{role}" for service, role in run], free_ports(len(run)), strict=True))
    hook = f"http://127.0.0.1:{ports['payments-api']}/payments/v1/webhooks/stripe"
    async with AsyncExitStack() as stack, SandboxProcess(directory, hook) as sandbox:
        catcher = await stack.enter_async_context(Catcher(directory)) if mail else None
        urls = {name: await stack.enter_async_context(templates.clone(name)) for name in services}
        databases = {name: Database(url, pool_size=10) for name, url in urls.items()}
        jwks = signer.write_public_keys(directory)
        programs = {
            f"{service}-{role}": Program(
                service, _told(service, role, urls[service], broker), directory / f"{role}.log"
            )
            for service, role in run
        }
        for name, program in programs.items():
            program.environment |= {"MDH_PORT": str(ports[name]), "MDH_JWKS_FILE": str(jwks)}
            program.environment |= {"MDH_STRIPE_API_BASE": sandbox.url, "MDH_PAYOUT_HOLD_DAYS": "0"}
            if catcher:
                program.environment |= {"MDH_SMTP_PORT": str(catcher.smtp_port)}
        booking = _booking(databases["booking"], jwks)
        made = Stage(databases, programs, Driver(sandbox.url), signer, booking, broker, ports, catcher)
        stack.push_async_callback(made.close)
        await made.open()
        yield made


def _told(service: str, role: Role, database_url: str, broker: RabbitMQ) -> dict[str, str]:
    return {
        "MDH_PROFILE": "test", "MDH_ROLE": role, "MDH_DATABASE_URL": database_url,
        "MDH_AMQP_URL": account_url(broker, service), "MDH_STRIPE_API_KEY": SECRET_KEY,
        "MDH_STRIPE_PUBLISHABLE_KEY": PUBLISHABLE_KEY, "MDH_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }  # fmt: skip


def _booking(database: Database, jwks: Path) -> httpx.AsyncClient:
    told: dict[str, Any] = {"profile": Profile.TEST, "role": Role.API, "jwks_file": jwks, "database_url": database.url}
    app = load("booking", lambda kind: kind(**told))
    app.state.database, app.state.revocations = database, Revocations(database)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://booking")
