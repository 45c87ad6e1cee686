"""P4 and P10: payments is killed between every two steps of the money path, and all ends as if it never had been."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.testing.databases import Templates
from shared.testing.servers import RabbitMQ
from shared.testing.tokens import Signer
from tests.payments.audit import audit

from .stage import Stage, stage
from .story import Story, Street, Tale, street
from .victim import ANSWERED, SENT, SQL, Point, after, before, on_the_wire

LIVES = int(os.environ.get("MDH_CHAOS_LIVES", "5"))
WORKER, API, BOOKING = "payments-worker", "payments-api", "booking-worker"
PAYS, CANCELS = Story.pays, Story.pays_and_cancels
RUNS_OUT, IN_TIME = Story.lets_it_run_out, Story.pays_when_it_runs_out

TASKS, RELAY, HEARS = "shared.tasks:Runner", "shared.relay:Relay", "shared.worker:Worker"
INBOX = "shared.consumers:Consumer._is_first_time"
COMMANDS, PROVIDER = "services.payments.commands", "services.payments.clients:Provider"
POINTS: list[tuple[str, str, Tale, Point]] = [
    ("the booking has come", WORKER, PAYS, before(f"{HEARS}._act", "function prepare_payment")),
    ("it is in the inbox", WORKER, PAYS, after(INBOX, "function prepare_payment")),
    ("the intention is stored", WORKER, PAYS, Point(SQL, "after", "'create_intent'")),
    ("that is committed", WORKER, PAYS, after(f"{HEARS}._act", "function prepare_payment")),
    ("the message is acknowledged", WORKER, PAYS, after(f"{HEARS}._settle", "function prepare_payment")),
    ("the call is claimed", WORKER, PAYS, after(f"{TASKS}._claim", "create_intent")),
    ("the call is about to be made", WORKER, PAYS, before(f"{PROVIDER}.create_intent")),
    ("the call is sent", WORKER, PAYS, on_the_wire("POST /v1/payment_intents'", SENT)),
    ("the provider has acted", WORKER, PAYS, on_the_wire("POST /v1/payment_intents'", ANSWERED)),
    ("the answer is here", WORKER, PAYS, after(f"{PROVIDER}.create_intent")),
    ("the answer is written", WORKER, PAYS, Point(SQL, "after", "UPDATE payments SET")),
    ("the fact is recorded", WORKER, PAYS, Point(SQL, "after", "payments.intent_created.v1")),
    ("the answer is committed", WORKER, PAYS, after(f"{COMMANDS}.intents:_keep")),
    ("the call is crossed off", WORKER, PAYS, Point(SQL, "after", "DELETE FROM tasks")),
    ("the call is over", WORKER, PAYS, after(f"{TASKS}._call", "create_intent")),
    ("the relay has read the outbox", WORKER, PAYS, before(f"{RELAY}._publish_all")),
    ("the fact is about to be published", WORKER, PAYS, before("shared.broker:Publisher.publish", "payments.captured")),
    ("the broker has it, unconfirmed", WORKER, PAYS, before("aiormq.channel:Channel._on_confirm_frame")),
    ("the broker has confirmed it", WORKER, PAYS, after("shared.broker:Publisher.publish", "payments.captured")),
    ("it is out of the outbox", WORKER, PAYS, after(f"{RELAY}._move")),
    ("the webhook has come", API, PAYS, before(f"{PROVIDER}.verified")),
    ("the webhook is verified", API, PAYS, after(f"{PROVIDER}.verified")),
    ("the webhook is stored", API, PAYS, Point(SQL, "after", "'handle_webhook'")),
    ("that is committed too", API, PAYS, before("starlette.responses:Response.__call__", "webhooks/stripe")),
    ("the webhook is answered", API, PAYS, after("starlette.responses:Response.__call__", "webhooks/stripe")),
    ("the webhook is claimed", WORKER, PAYS, after(f"{TASKS}._claim", "handle_webhook")),
    ("the webhook is looked at", WORKER, PAYS, before(f"{COMMANDS}.webhooks:settle_intent", "succeeded")),
    ("the payment is settled", WORKER, PAYS, after(f"{COMMANDS}.webhooks:settle_intent", "succeeded")),
    ("the books are written", WORKER, PAYS, Point(SQL, "after", "INSERT INTO postings")),
    ("the capture is recorded", WORKER, PAYS, Point(SQL, "after", "payments.captured.v1")),
    ("the webhook is handled", WORKER, PAYS, before(f"{TASKS}._make", "nothing")),
]


@pytest_asyncio.fixture(scope="module")
async def town(templates: Templates, broker: RabbitMQ, signer: Signer, run_directory: Path) -> AsyncIterator[Street]:
    directory = run_directory / "stage"
    directory.mkdir()
    async with stage(templates, broker, signer, directory) as made:
        yield await street(made)


@pytest.mark.parametrize(("name", "program", "tale", "point"), POINTS, ids=[row[0].replace(" ", "-") for row in POINTS])
async def test_killed_when(town: Street, name: str, program: str, tale: Tale, point: Point) -> None:
    """Each time somebody begins another story, and it ends the process there; then all of them go on together."""
    told: list[Story] = []
    async with asyncio.TaskGroup() as under_way:
        for _ in range(LIVES):
            await town.stage.restart(program, point)
            told.append(town.story())
            under_way.create_task(tale(told[-1]))
            await town.stage.died(program)
        await town.stage.restart(program)
    await ended_well(town.stage, told)


async def ended_well(it: Stage, told: list[Story]) -> None:
    for story in told:
        await story.ends()
    await it.rest()
    found = await audit(it.databases["payments"], it.sandbox)
    assert found.wrongs() + [wrong for story in told for wrong in await story.wrongs(found.moved)] == []
