"""All seven services in one process, each with a database of its own, and a bus that hands on what they tell."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio
from sqlalchemy import select, text

from shared.auth import Actor
from shared.context import Cause, caused_by
from shared.db import Database
from shared.events import CONTRACTS, Envelope, Event
from shared.ids import new_id
from shared.outbox import BusinessEvent, PersonKey
from shared.provision import SERVICES, consumers_of
from shared.sealing import whole
from shared.serve import load
from shared.settings import Profile, Role
from shared.testing.databases import Templates
from shared.testing.plugin import Headers
from shared.testing.tokens import Signer

WAITING = text("select business_event_id from outbox order by id")


@dataclass
class World:
    """The platform. `told` is every message that was ever on the bus."""

    databases: dict[str, Database]
    clients: dict[str, httpx.AsyncClient]
    apps: dict[str, Any]
    signer: Signer
    told: list[tuple[Envelope, Event]] = field(default_factory=list)

    def as_(self, actor: Actor, **more: str) -> Headers:
        return {"Authorization": f"Bearer {self.signer.token(actor)}", **more}

    async def ask(self, method: str, path: str, by: Headers | None = None, body: Any = None) -> Any:
        """Of the service that its path names; what it answers is expected to be good."""
        answer = await self.clients[path.split("/")[1]].request(method, path, json=body, headers=by)
        assert answer.is_success, (method, path, answer.text)
        await self.settle()
        return answer.json() if answer.content else None

    async def settle(self) -> None:
        """Until nobody has anything more to tell."""
        while told := [message for service in SERVICES for message in await self.take(service)]:
            for envelope, event in told:
                await self.hear(envelope, event)

    async def take(self, service: str) -> list[tuple[Envelope, Event]]:
        database = self.databases[service]
        async with database.begin() as session:
            ids = list(await session.scalars(WAITING))
            of = select(BusinessEvent, PersonKey.key).where(BusinessEvent.id.in_(ids)).order_by(BusinessEvent.id)
            rows = (await session.execute(of.outerjoin(PersonKey, PersonKey.person == BusinessEvent.person))).all()
            await session.execute(text("delete from outbox where business_event_id = any(:ids)"), {"ids": ids})
        return [_message(service, row, key) for row, key in rows]

    async def hear(self, envelope: Envelope, event: Event, event_id: UUID | None = None) -> None:
        """Every consumer of every service; with another id it is news to them, though it is the same."""
        envelope = envelope.model_copy(update={"event_id": event_id or envelope.event_id})
        self.told.append((envelope, event))
        for service in SERVICES:
            with caused_by(Cause(envelope.correlation_id, str(envelope.event_id), f"service:{service}")):
                for consumer in consumers_of(service):
                    if not consumer.events or type(event) in consumer.events:
                        async with self.databases[service].begin() as session:
                            await consumer.consume(session, (envelope, event))

    async def hear_again(self, *kinds: type[Event]) -> None:
        """What was told of these kinds comes once more, as news, the latest first."""
        for _, event in [(e, v) for e, v in reversed(self.told) if isinstance(v, kinds)]:
            envelope = next(e for e, v in self.told if v is event)
            await self.hear(envelope, event, new_id())
        await self.settle()

    async def sql(self, service: str, statement: str, **values: Any) -> list[Any]:
        async with self.databases[service].begin() as session:
            result: Any = await session.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []


def _message(service: str, row: BusinessEvent, key: bytes | None) -> tuple[Envelope, Event]:
    body = whole(row.payload, row.sealed, key, row.event_id, row.type)
    envelope = Envelope(
        event_id=row.event_id, type=row.type, producer=service, occurred_at=row.created_at,
        correlation_id=row.correlation_id, causation_id=row.causation_id, actor=row.actor,
        aggregate_type=row.aggregate_type, aggregate_id=row.aggregate_id, aggregate_version=row.aggregate_version,
    )  # fmt: skip
    return envelope, CONTRACTS[row.type].model_validate(body)


@pytest_asyncio.fixture
async def world(templates: Templates, signer: Signer, run_directory: Path) -> AsyncIterator[World]:
    """Nothing in it yet but catalog's configuration."""
    settings: dict[str, Any] = {
        "profile": Profile.TEST, "role": Role.API, "jwks_file": signer.write_public_keys(run_directory),
        "signing_keys_dir": signer.write_private_key(run_directory / "signing-keys"), "limits_times": 1000,
        "stripe_api_key": "sk_test_nobody", "stripe_webhook_secret": "whsec_nobody",
        "stripe_publishable_key": "pk_test_nobody",
    }  # fmt: skip
    async with AsyncExitStack() as stack:
        world = World({}, {}, {}, signer)
        for service in SERVICES:
            url = await stack.enter_async_context(templates.clone(service))
            app = load(service, lambda kind, url=url: kind(database_url=url, **settings))  # type: ignore[misc]
            stack.push_async_callback(app.state.database.close)
            for client in app.state.clients:
                if hasattr(client, "aclose"):
                    stack.push_async_callback(client.aclose)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test"))
            world.databases[service], world.clients[service] = app.state.database, http
            world.apps[service] = app
        yield world
