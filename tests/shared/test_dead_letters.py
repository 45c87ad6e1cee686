"""`mdh dead`: whatever lies there can be listed, shown and sent back, and an interruption loses nothing."""

import asyncio
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from typer.testing import CliRunner

from shared import broker
from shared.cli.dead import app
from shared.testing.plugin import until

from .conftest import expired
from .test_worker import wire


async def mdh_dead(*arguments: str) -> str:
    """In a thread: the command runs an event loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.fixture
async def dead(admin: AbstractChannel) -> Any:
    queue = await admin.get_queue("booking.dead")
    await queue.purge()
    return queue


async def lay(admin: AbstractChannel, message: aio_pika.Message, **headers: Any) -> None:
    message.headers |= headers
    await (await admin.get_exchange(broker.DEAD)).publish(message, "booking.dead")


async def waiting(admin: AbstractChannel, name: str = "booking.dead") -> int:
    return (await admin.declare_queue(name, passive=True)).declaration_result.message_count or 0


async def test_letters_of_any_kind_are_listed_and_shown(admin: AbstractChannel, amqp_url: str, dead: Any) -> None:
    ours = wire(expired(1))
    await lay(admin, ours, queue="booking.copy_offer", error="no-thanks: no")
    await lay(admin, aio_pika.Message(b"\xff", message_id="odd"))
    by_limit = {"x-first-death-queue": "booking.copy_config", "x-first-death-reason": "delivery_limit"}
    await lay(admin, wire(expired(2)), **by_limit)
    listed = (await mdh_dead("list", "booking", "--url", amqp_url)).splitlines()
    assert len(listed) == 3
    assert "booking.copy_offer" in listed[0]
    assert "booking.copy_config" in listed[2]
    assert "delivery_limit" in listed[2]
    assert '"booking_id": 1' in await mdh_dead("show", "booking", str(ours.message_id), "--url", amqp_url)
    assert "xff" in await mdh_dead("show", "booking", "odd", "--url", amqp_url)
    await until(lambda: _is(admin, 3))


async def _is(admin: AbstractChannel, number: int) -> bool:
    return await waiting(admin) == number


async def test_a_letter_goes_back_to_its_queue_unless_there_is_none(
    admin: AbstractChannel, amqp_url: str, dead: Any
) -> None:
    retries = await admin.declare_queue(exclusive=True)
    await retries.bind("mdh.retry.5s", "booking.copy_offer")
    await lay(admin, wire(expired(1)), queue="booking.copy_offer", tries=10)
    await lay(admin, wire(expired(2)), queue="booking.of_long_ago", tries=10)
    said = await mdh_dead("requeue", "booking", "all", "--url", amqp_url)
    assert "requeued" in said
    assert "there is no queue booking.of_long_ago" in said
    again = await until(lambda: retries.get(fail=False, no_ack=True))
    assert (again.headers["tries"], again.headers["aggregate-id"]) == (0, 1)
    await until(lambda: _is(admin, 1))


async def test_an_interruption_loses_nothing(
    admin: AbstractChannel, amqp_url: str, dead: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await lay(admin, wire(expired(number)), queue="booking.copy_offer")
    publish, left = broker.Publisher.publish, [1, 1]

    async def break_off(self: broker.Publisher, *message: Any) -> None:
        if not left:
            raise BrokenPipeError
        left.pop()
        await publish(self, *message)

    monkeypatch.setattr(broker.Publisher, "publish", break_off)
    with pytest.raises(BrokenPipeError):
        await mdh_dead("requeue", "booking", "all", "--url", amqp_url)
    await until(lambda: _is(admin, 3))
