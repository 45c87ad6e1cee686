"""One slot, through the gateway, against the processes that a user runs."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from secrets import token_hex

import httpx
import pytest

from deploy.local.demo import customers
from shared.testing.tokens import customer

from ..running import ZIP, RunningSystem, Shop

RACERS = 100
NOTICE = timedelta(hours=3)  # more than the lead time
OVERLOADED = 503
BOOKINGS = "/booking/v1/bookings"


async def wanted_slot(shop: Shop) -> dict[str, object]:
    slot = await customers.first_slot(shop.owner, shop.tier["id"], after=NOTICE)
    assert slot
    return customers.booking_request(shop.tier, slot, ZIP)


async def bookings_at(shop: Shop, wanted: dict[str, object]) -> int:
    """How many have this very time, as the shop's owner sees it."""
    await shop.owner.refresh()  # the token of the first day does not name the shop yet
    page = await shop.owner.get(BOOKINGS, limit=100)
    times = [datetime.fromisoformat(booking["appointment_start"]) for booking in page["items"]]
    return times.count(datetime.fromisoformat(str(wanted["starts_at"])))


async def answered(http: httpx.AsyncClient, wanted: dict[str, object], headers: dict[str, str]) -> httpx.Response:
    """On a machine so slow that the service says it is overloaded, ask again when it says to; no other 5xx is one."""
    while True:
        answer = await http.post(BOOKINGS, json=wanted, headers=headers)
        if answer.status_code != OVERLOADED or "Retry-After" not in answer.headers:
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]))


@pytest.mark.parametrize("round_", range(3))
async def test_of_a_hundred_customers_one_gets_the_slot(system: RunningSystem, shop: Shop, round_: int) -> None:
    wanted = await wanted_slot(shop)
    barrier = asyncio.Barrier(RACERS)
    async with system.http(limits=httpx.Limits(max_connections=RACERS, max_keepalive_connections=RACERS)) as http:

        async def race(number: int) -> httpx.Response:
            headers = system.headers(customer(1_000_000 + round_ * RACERS + number))
            page = await http.get(BOOKINGS, headers=headers)  # so that connecting is no part of the race, on any side
            assert page.json()["items"] == []
            await barrier.wait()
            return await answered(http, wanted, headers)

        answers = await asyncio.gather(*(race(number) for number in range(RACERS)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/problems/slot-taken"}
    assert await bookings_at(shop, wanted) == 1


async def test_the_same_key_gets_the_same_answer_and_one_booking(
    system: RunningSystem, shop: Shop, http: httpx.AsyncClient
) -> None:
    wanted = await wanted_slot(shop)
    headers = system.headers(customer(2_000_000)) | {"Idempotency-Key": token_hex(16)}

    async def send() -> httpx.Response:
        return await http.post(BOOKINGS, json=wanted, headers=headers)

    at_once = await asyncio.gather(*(send() for _ in range(10)))
    assert {answer.status_code for answer in at_once} <= {201, 409}
    assert {answer.json()["type"] for answer in at_once if answer.status_code == 409} <= {"/problems/request-in-flight"}
    later = await send()
    assert later.status_code == 201
    assert {answer.content for answer in at_once if answer.status_code == 201} == {later.content}
    assert await bookings_at(shop, wanted) == 1
    other = await http.post(BOOKINGS, json=wanted | {"address": "2 Demo Street"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
