"""What servers need before the first migration: a database and two roles per service, the broker's topology.

Every function may be run again; it then completes what is missing and sets the passwords that it is given.
"""

import base64
import hashlib
import importlib
import os
from collections.abc import Mapping
from typing import Any, TypedDict

import asyncpg
import httpx
from sqlalchemy import make_url

from shared.broker import DEAD, DELAYS, EVENTS, retry_exchange
from shared.consumers import Consumer
from shared.db import dsn

SERVICES = ("identity", "catalog", "booking", "payments", "reviews", "notifications", "analytics")
VHOST = "mdh"
DELIVERY_LIMIT = 20
DEAD_LETTERS_KEPT = 30 * 24 * 3600 * 1000  # milliseconds: they are about people, and nobody's to keep


class Passwords(TypedDict):
    """One service's: of the role that owns its database, of the role that it runs as, of its broker account."""

    owner: str
    app: str
    amqp: str


async def create_databases(admin_url: str, secrets: Mapping[str, Passwords]) -> None:
    """For each service: database `mdh_<service>`, roles `<service>_owner` (migrations) and `<service>` (rows only)."""
    admin = dsn(admin_url)
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute("select pg_advisory_lock(hashtext('mdh.setup'))")  # two set-ups, one after the other
        for service, passwords in secrets.items():
            await _role(connection, f"{service}_owner", passwords["owner"])
            await _role(connection, service, passwords["app"])
            if not await connection.fetchval("select 1 from pg_database where datname = $1", f"mdh_{service}"):
                await connection.execute(
                    f'create database "mdh_{service}" owner "{service}_owner" template template0 encoding utf8'
                )
            await connection.execute(f'revoke all on database "mdh_{service}" from public')
            await connection.execute(f'grant connect on database "mdh_{service}" to "{service}"')
        for service in secrets:
            await _grants(admin, service)
    finally:
        await connection.close()


async def _role(connection: Any, name: str, password: str) -> None:
    if not await connection.fetchval("select 1 from pg_roles where rolname = $1", name):
        await connection.execute(f'create role "{name}"')
    quoted = await connection.fetchval("select quote_literal($1::text)", password)
    await connection.execute(f'alter role "{name}" login nosuperuser nocreatedb nocreaterole password {quoted}')


async def _grants(admin: str, service: str) -> None:
    """The application role reads and writes rows of whatever the owner makes, and makes nothing itself."""
    connection = await asyncpg.connect(admin, database=f"mdh_{service}")
    try:
        await connection.execute("create extension if not exists btree_gist")
        await connection.execute("revoke all on schema public from public")
        await connection.execute(f'alter schema public owner to "{service}_owner"')
        await connection.execute(f'grant usage on schema public to "{service}"')
        default = f'alter default privileges for role "{service}_owner" in schema public grant'
        await connection.execute(f'{default} select, insert, update, delete on tables to "{service}"')
        await connection.execute(f'{default} usage, select on sequences to "{service}"')
    finally:
        await connection.close()


def consumers_of(service: str) -> list[Consumer]:
    """Those that `services.<service>.consumers` registers; none if it has no such module."""
    try:
        module = importlib.import_module(f"services.{service}.consumers")
    except ModuleNotFoundError as error:
        if error.name != f"services.{service}.consumers":
            raise
        return []
    found: list[Consumer] = module.consumers.all
    return found


async def setup_broker(
    management_url: str, admin_user: str, admin_password: str, secrets: Mapping[str, Passwords]
) -> None:
    """Exchanges, every consumer's queue and bindings, delay and dead-letter queues, accounts, policies.

    Queues exist before the first event is published, so that no service misses what happens before it first starts.
    """
    async with httpx.AsyncClient(auth=(admin_user, admin_password), timeout=30, trust_env=False) as client:
        response = await client.post(f"{management_url.rstrip('/')}/api/definitions", json=definitions(secrets))
        response.raise_for_status()


def definitions(secrets: Mapping[str, Passwords]) -> dict[str, Any]:
    """RabbitMQ's definitions file for the whole platform."""
    consumers = [consumer for service in secrets for consumer in consumers_of(service)]
    return {
        "vhosts": [{"name": VHOST}],
        "users": [_user(service, passwords["amqp"]) for service, passwords in secrets.items()],
        "permissions": [_permission(service) for service in secrets],
        "topic_permissions": [_topic_permission(service) for service in secrets],
        "policies": [policy for service in secrets for policy in (_policy(service), _letters_policy(service))],
        "exchanges": _exchanges(),
        "queues": [_queue(c.queue) for c in consumers] + [_queue(f"{s}.dead") for s in secrets] + _delay_queues(),
        "bindings": [_binding(EVENTS, key, c.queue) for c in consumers for key in c.bindings]
        + [_binding(DEAD, f"{service}.dead", f"{service}.dead") for service in secrets]
        + [_binding(retry_exchange(delay), "", retry_exchange(delay)) for delay in DELAYS],
    }


def _user(service: str, password: str) -> dict[str, Any]:
    salt = os.urandom(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    hashed = base64.b64encode(salt + digest).decode()
    return {"name": service, "password_hash": hashed, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}


def _permission(service: str) -> dict[str, Any]:
    """Its own queues; writing to the shared exchanges; reading (binding) from the events' exchange."""
    own = rf"{service}\..*"
    return {
        "user": service, "vhost": VHOST, "configure": f"^{own}$",
        "write": rf"^({own}|mdh\.events|mdh\.dead|mdh\.retry\..*)$", "read": rf"^({own}|mdh\.events)$",
    }  # fmt: skip


def _topic_permission(service: str) -> dict[str, Any]:
    """A service publishes its own facts only, and may listen to all."""
    return {"user": service, "vhost": VHOST, "exchange": EVENTS, "write": rf"^{service}\..*", "read": ".*"}


def _policy(service: str) -> dict[str, Any]:
    """The last resort for a message that kills its consumer again and again; our own count of tries decides before."""
    return {
        "vhost": VHOST,
        "name": f"{service}-dead-letters",
        "pattern": rf"^{service}\.(?!dead$)",
        "apply-to": "queues",
        "priority": 1,
        "definition": {
            "delivery-limit": DELIVERY_LIMIT,
            "dead-letter-exchange": DEAD,
            "dead-letter-routing-key": f"{service}.dead",
            "dead-letter-strategy": "at-least-once",
            "overflow": "reject-publish",
        },
    }


def _letters_policy(service: str) -> dict[str, Any]:
    return {
        "vhost": VHOST,
        "name": f"{service}-dead-letters-kept",
        "pattern": rf"^{service}\.dead$",
        "apply-to": "queues",
        "priority": 1,
        "definition": {"message-ttl": DEAD_LETTERS_KEPT},
    }


def _exchanges() -> list[dict[str, Any]]:
    kinds = {EVENTS: "topic", DEAD: "direct"} | {retry_exchange(delay): "fanout" for delay in DELAYS}
    return [
        {
            "vhost": VHOST,
            "name": name,
            "type": kind,
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {},
        }
        for name, kind in kinds.items()
    ]


def _queue(name: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
    every = {"x-queue-type": "quorum"} | dict(arguments or {})
    return {"vhost": VHOST, "name": name, "durable": True, "auto_delete": False, "arguments": every}


def _delay_queues() -> list[dict[str, Any]]:
    """A message waits out its delay, then goes by the default exchange to the queue whose name is its routing key."""
    forward = {"x-dead-letter-exchange": "", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    return [_queue(retry_exchange(delay), forward | {"x-message-ttl": delay * 1000}) for delay in DELAYS]


def _binding(exchange: str, key: str, queue: str) -> dict[str, Any]:
    return {
        "vhost": VHOST,
        "source": exchange,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": key,
        "arguments": {},
    }


def split_credentials(url: str) -> tuple[str, str, str]:
    """`http://user:password@host` as (`http://host`, user, password)."""
    parsed = httpx.URL(url)
    bare = parsed.copy_with(username=None, password=None, userinfo=b"")
    return str(bare), parsed.username, parsed.password


def owner_url(admin_url: str, service: str, password: str) -> str:
    """The URL that migrations of a service take, on the server of `admin_url`."""
    owner = make_url(admin_url).set(drivername="postgresql+asyncpg", username=f"{service}_owner", password=password)
    return owner.set(database=f"mdh_{service}").render_as_string(hide_password=False)
