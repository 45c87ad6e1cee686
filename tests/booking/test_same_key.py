"""P3: one Idempotency-Key, one effect, one answer, byte for byte, however often and at once it is sent."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
import pytest_asyncio

from shared import idempotency
from shared.auth import Actor
from shared.db import Database
from shared.testing.plugin import Headers, deliver_to
from shared.testing.tokens import customer

from ..shared.conftest import count
from .conftest import TIER, Shop, monday_at, open_shop


@pytest_asyncio.fixture
async def fresh_shop(
    fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database
) -> Shop:
    return await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))


async def sent(shop: Shop, starts: str, key: str = "k") -> httpx.Response:
    body = {"tier_id": TIER, "starts_at": starts, "address": "1 Main St", "zip": "11201"}
    headers = shop.as_(customer(7)) | {"Idempotency-Key": key}
    return await shop.client.post("/booking/v1/bookings", json=body, headers=headers)


def told(answer: httpx.Response) -> tuple[object, ...]:
    """All of an answer that its receiver can act upon."""
    headers = answer.headers
    return answer.status_code, answer.content, headers["ETag"], headers["Location"], headers["Content-Type"]


@pytest.mark.parametrize("round", range(3))
async def test_twenty_at_once_make_one_booking_and_one_answer(
    fresh_shop: Shop, fresh_database: Database, round: int
) -> None:
    """The others are told to come back; within the microseconds between look and lock, that the slot is taken."""
    answers = await asyncio.gather(*(sent(fresh_shop, monday_at(9)) for _ in range(20)))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201] >= 1
    assert len({told(answer) for answer in answers if answer.status_code == 201}) == 1
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {answer.json()["type"] for answer in refused} <= {"/problems/request-in-flight", "/problems/slot-taken"}
    assert await count(fresh_database, "bookings") == 1
    assert await count(fresh_database, "business_events where aggregate_type = 'booking'") == 1
    again = await sent(fresh_shop, monday_at(9))
    assert told(again) == next(told(answer) for answer in answers if answer.status_code == 201)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_whoever_looked_just_before_the_other_had_ended_has_no_second_effect(
    fresh_shop: Shop, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Look and lock are one statement: the other's answer can be stored between the two."""
    assert (await sent(fresh_shop, monday_at(9))).status_code == 201

    async def saw_nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(idempotency, "_stored_or_locked", saw_nothing)
    body_of_same_key = await sent(fresh_shop, monday_at(14))
    assert (body_of_same_key.status_code, body_of_same_key.json()["type"]) == (409, "/problems/request-in-flight")
    assert await count(fresh_database, "bookings") == 1


async def test_negative_control_without_the_key_twenty_at_once_are_twenty_requests(
    fresh_shop: Shop, fresh_database: Database
) -> None:
    answers = await asyncio.gather(*(fresh_shop.book(monday_at(hour), customer(7)) for hour in (8, 11, 14)))
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert await count(fresh_database, "bookings") == 3
