"""`mdh setup`: whatever the passwords, however often, and two of it at once."""

import asyncio
import sys
from typing import Any

import aio_pika
import asyncpg
import pytest
from aio_pika.abc import AbstractChannel
from sqlalchemy import make_url

from shared import provision
from shared.db import Database, dsn
from shared.migrations import migrate
from shared.testing.databases import PASSWORDS, Templates
from shared.testing.servers import ADMIN, RabbitMQ

AWKWARD = 'it\'s "50%" @home/x:y?z=1&é#\\ +'


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql+asyncpg://u:p%40%25%27@h:1/d", "postgresql://u:p%40%25%27@h:1/d"),
        ("postgresql+asyncpg://u:p@h/d?ssl=require", "postgresql://u:p@h/d?sslmode=require"),
        ("postgresql://u:p@h/d", "postgresql://u:p@h/d"),
    ],
)
def test_one_url_serves_sqlalchemy_and_asyncpg(url: str, wanted: str) -> None:
    assert dsn(url) == wanted


def test_credentials_in_a_url_may_be_of_any_kind() -> None:
    url = "http://ad%40min:it%27s%20%2550%25%2F%3A@host:15672"
    assert provision.split_credentials(url) == ("http://host:15672", "ad@min", "it's %50%/:")


async def test_a_password_of_any_kind_opens_the_database(templates: Templates, postgres_url: str) -> None:
    awkward: provision.Passwords = {"owner": AWKWARD, "app": AWKWARD, "amqp": AWKWARD}
    await templates.ready("reviews")
    await provision.create_databases(postgres_url, {"reviews": awkward})
    try:
        owner = provision.owner_url(postgres_url, "reviews", AWKWARD)
        await asyncio.to_thread(migrate, "reviews", owner)
        database = Database(str(make_url(owner).set(username="reviews").render_as_string(hide_password=False)))
        assert await database.answers()
        await database.close()
        await (await asyncpg.connect(dsn(database.url))).close()
        wrong = Database(owner.replace("reviews_owner", "reviews").replace("home", "away"))
        assert not await wrong.answers()
        await wrong.close()
    finally:
        await provision.create_databases(postgres_url, {"reviews": PASSWORDS})


async def test_two_set_ups_at_once_are_one_after_the_other(templates: Templates, postgres_url: str) -> None:
    secrets = {"payments": PASSWORDS, "identity": PASSWORDS}
    await asyncio.gather(*(provision.create_databases(postgres_url, secrets) for _ in range(4)))
    owner = provision.owner_url(postgres_url, "payments", "owner")
    # Alembic's environment is a module of its own name: two in one process would share it, two processes do not.
    command = ["-c", f"from shared.migrations import migrate; migrate('payments', {owner!r})"]
    processes = [await asyncio.create_subprocess_exec(sys.executable, *command) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    templates._made.add("payments")


async def test_the_topology_may_be_imported_again_over_waiting_messages(
    broker: RabbitMQ, admin: AbstractChannel
) -> None:
    queue = await admin.get_queue("reviews.dead")
    await (await admin.get_exchange("mdh.dead")).publish(aio_pika.Message(b"kept"), "reviews.dead")
    secrets: Any = dict.fromkeys(provision.SERVICES, PASSWORDS)
    for _ in range(2):
        await provision.setup_broker(broker.management_url, ADMIN, broker.password, secrets)
    letter = await queue.get(no_ack=True)
    assert letter is not None
    assert letter.body == b"kept"
