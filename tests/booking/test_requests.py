"""Affiliates that say yes first: requests, rivals, and the one who gets the time."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import product
from typing import Any

import httpx
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.jobs import expire_unpaid
from shared.auth import Actor
from shared.contracts.booking import BookingDeclined, BookingExpired, BookingHeld, BookingRequested
from shared.db import Database
from shared.testing.plugin import Headers, Published, deliver_to
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, Shop, captured, monday_at, open_shop
from .test_life import act, run_out

As = Callable[[Actor], Headers]
OWNER = member(AFFILIATE)


async def ask_first(shop: Shop) -> None:
    path = f"/booking/v1/affiliates/{AFFILIATE}/schedule-settings"
    answer = await shop.client.put(path, json={"request_to_book": True}, headers=shop.as_(OWNER))
    assert answer.status_code == 200, answer.text


@pytest_asyncio.fixture
async def asking(shop: Shop) -> Shop:
    await ask_first(shop)
    return shop


async def test_asking_takes_nothing_and_being_accepted_holds_the_time_until_it_is_paid(
    asking: Shop, published: Published
) -> None:
    request = await asking.held(monday_at(9))
    other = await asking.held(monday_at(9), customer(8))
    assert (request["status"], other["status"]) == ("requested", "requested")
    accepted = (await act(asking, request, "accept", OWNER)).json()
    assert (accepted["status"], accepted["address"]) == ("held", None)
    await asking.deliver(captured(request))
    assert (await asking.look(request))["status"] == "confirmed"
    assert [type(e).__name__ for e in await published(BookingRequested)] == ["BookingRequested"] * 2
    assert len(await published(BookingHeld)) == 1


async def test_who_wanted_the_time_too_sees_it_go_and_is_told_others(asking: Shop, published: Published) -> None:
    won, lost, beside = [
        await asking.held(at, customer(n)) for n, at in ((7, monday_at(9)), (8, monday_at(10)), (9, monday_at(14)))
    ]
    rivals = await asking.client.get(f"/booking/v1/bookings/{won['id']}/rivals", headers=asking.as_(OWNER))
    assert [one["id"] for one in rivals.json()["items"]] == [lost["id"]]
    await act(asking, won, "accept", OWNER)
    assert [(await asking.look(one))["status"] for one in (won, lost, beside)] == ["held", "declined", "requested"]
    [told] = await published(BookingDeclined)
    free = await asking.slots(*[datetime.fromisoformat(monday_at(9)).date()] * 2)
    assert [at.isoformat() for at in told.other_times] == [
        datetime.fromisoformat(at).astimezone(told.other_times[0].tzinfo).isoformat()
        for at in next(iter(free.values()))[:3]
    ]
    again = await act(asking, lost, "accept", OWNER)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-answered")


async def test_a_request_is_declined_withdrawn_or_runs_out(
    asking: Shop, session: AsyncSession, published: Published
) -> None:
    first, second, third = [await asking.held(monday_at(9), customer(n)) for n in (7, 8, 9)]
    said = (await act(asking, first, "decline", OWNER, json={"reason": "On holiday."})).json()
    assert (said["status"], said["cancel_reason"]) == ("declined", "On holiday.")
    assert (await act(asking, second, "cancel", customer(8), json={})).json()["status"] == "cancelled"
    await run_out(session, third)
    for verb, by in product(("accept", "decline"), (OWNER, customer(9))):
        late = await act(asking, third, verb, by, json={})
        assert late.json()["type"] == f"/problems/{'already-answered' if by is OWNER else 'not-your-part'}"
    await expire_unpaid(session)
    await session.flush()
    assert [e.booking_id for e in await published(BookingExpired)] == [third["id"]]


async def test_a_time_that_was_taken_meanwhile_is_not_given_twice(asking: Shop, session: AsyncSession) -> None:
    request, other = await asking.held(monday_at(9)), await asking.held(monday_at(14), customer(8))
    await act(asking, other, "accept", OWNER)
    await asking.deliver(captured(other))
    assert (await act(asking, other, "reschedule", customer(8), json={"starts_at": monday_at(9)})).status_code == 200
    refused = await act(asking, request, "accept", OWNER)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/slot-taken")


async def test_of_ten_requests_accepted_at_once_one_gets_the_time(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    shop = await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))
    await ask_first(shop)
    requests: list[dict[str, Any]] = [await shop.held(monday_at(9), customer(10 + n)) for n in range(10)]
    answers = await asyncio.gather(*(act(shop, one, "accept", OWNER) for one in requests))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    async with fresh_database.read() as session:
        found = (await session.execute(text("select status, count(*) from bookings group by 1 order by 1"))).all()
    assert [tuple(row) for row in found] == [("declined", 9), ("held", 1)]
