"""Times as they are shown: from the first on, by another zone's days, nearby, and why one is not there."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingCancelled, BookingConfirmed
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN, customer, member

from .conftest import AFFILIATE, PRICE, TIER, Shop, captured, monday_at, next_monday, published_offer

BASE = f"/booking/v1/affiliates/{AFFILIATE}"
Statements = Callable[[], AbstractContextManager[list[str]]]
Json = dict[str, Any]


async def say(shop: Shop, method: str, path: str, body: Json) -> Json:
    answer = await shop.client.request(method, f"{BASE}{path}", json=body, headers=shop.as_(member(AFFILIATE)))
    assert answer.status_code in (200, 201), answer.text
    said: Json = answer.json()
    return said


async def close(shop: Shop, opens: str = "00:00", closes: str = "24:00") -> None:
    day = next_monday().isoformat()
    off = {"kind": "closed", "first_day": day, "last_day": day, "from_time": opens, "to_time": closes}
    await say(shop, "POST", "/exceptions", off)


async def get(shop: Shop, path: str, expect: int = 200, **params: Any) -> Json:
    answer = await shop.client.get(f"/booking/v1{path}", params=params, headers=shop.as_(member(AFFILIATE)))
    assert answer.status_code == expect, answer.text
    found: Json = answer.json()
    return found


async def monday(shop: Shop, **more: Any) -> list[str]:
    return (await shop.slots(next_monday(), next_monday(), **more))[next_monday().isoformat()]


# -- what affiliates say is what is shown, and sold --


async def test_an_exception_hides_and_is_not_sold(shop: Shop) -> None:
    await close(shop, "08:00", "14:00")
    assert datetime.fromisoformat((await monday(shop))[0]) == datetime.fromisoformat(monday_at(14))
    refused = await shop.book(monday_at(9))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/slot-not-offered")


async def test_settings_move_the_grid_and_the_ends_of_what_can_be_booked(shop: Shop) -> None:
    await say(shop, "PUT", "/schedule-settings", {"slot_interval_minutes": 60})
    assert len(await monday(shop)) == 9
    assert (await shop.book(monday_at(9, 30))).json()["type"] == "/problems/slot-not-offered"
    await say(shop, "PUT", "/schedule-settings", {"horizon_days": 1})
    assert await monday(shop) == []


async def test_two_crews_do_two_jobs_at_once_and_a_third_finds_none(shop: Shop) -> None:
    await say(shop, "POST", "/crews", {"name": "Van 2"})
    answers = [(await shop.book(monday_at(9), customer(n))).status_code for n in (7, 8, 9)]
    assert answers == [201, 201, 409]


async def test_the_drive_to_a_neighbour_hides_what_lies_between(shop: Shop) -> None:
    near, far = {"zip": "11201"}, {"zip": "10001"}  # some 7 km apart
    [crew] = (await get(shop, "/affiliates/31/crews"))["items"]
    await say(shop, "PUT", f"/crews/{crew['id']}", {"name": "Van 1", "buffer_after_minutes": 0})
    await shop.held(monday_at(10))
    assert (
        len(await monday(shop, **near)) - len(await monday(shop, **far)) == 3
    )  # no first, no last, and not right after
    assert (await shop.book(monday_at(12), customer(8), **far)).json()["type"] == "/problems/slot-taken"
    assert (await shop.book(monday_at(12), customer(8), **near)).status_code == 201


async def test_what_is_shown_is_what_is_sold(shop: Shop, session: AsyncSession) -> None:
    """A day with everything on it, and all times of it, offered or not."""
    second = await say(shop, "POST", "/crews", {"name": "Van 2", "buffer_after_minutes": 10, "max_jobs_per_day": 1})
    windows = [{"weekday": 0, "opens": "07:15", "closes": "16:00", "crew_id": second["id"], "zips": ["10001"]}]
    [first] = [one for one in (await get(shop, "/affiliates/31/crews"))["items"] if one["id"] != second["id"]]
    windows.append({"weekday": 0, "opens": "08:00", "closes": "18:00", "crew_id": first["id"]})
    await say(shop, "PUT", "/availability", {"windows": windows})
    await close(shop, "12:00", "12:45")
    await shop.held(monday_at(13))
    shown = {datetime.fromisoformat(at) for at in await monday(shop, zip="10001")}
    every = [datetime.fromisoformat(monday_at(7)) + timedelta(minutes=15 * n) for n in range(44)]
    for at in random.Random(5).sample(every, 14):
        answer = await shop.book(at.isoformat(), customer(100), zip="10001")
        await session.execute(text("update bookings set status = 'expired' where customer_id = 100"))
        assert (answer.status_code == 201) == (at in shown), (at, answer.text)


async def test_late_money_finds_a_time_that_was_closed_meanwhile_gone(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    early, late = await shop.held(monday_at(8)), await shop.held(monday_at(14))
    await session.execute(text("update bookings set status = 'expired', version = 2"))
    await close(shop, "13:00", "24:00")
    await say(shop, "PUT", "/schedule-settings", {"slot_interval_minutes": 240, "lead_minutes": 500_000})
    for booking in (early, late):
        await shop.deliver(captured(booking))
    assert [event.booking_id for event in await published(BookingConfirmed)] == [early["id"]]
    assert [event.refund_cents for event in await published(BookingCancelled)] == [PRICE]


# -- how it is asked for --


async def test_the_first_free_time_is_found_however_far_it_is(shop: Shop, statements: Statements) -> None:
    await close(shop)
    asked: Json = {"from": next_monday().isoformat(), "tier_id": TIER, "first_free": True}
    with statements() as sent:
        found = await get(shop, "/slots", **asked)
    [day] = found["days"]
    assert (day["date"], len(day["slots"])) == ((next_monday() + timedelta(days=7)).isoformat(), 1)
    assert len(sent) <= 4, "\n".join(sent)
    await say(shop, "PUT", "/availability", {"windows": []})
    assert (await get(shop, "/slots", tier_id=TIER, first_free=True))["days"] == []


async def test_another_zones_days_show_the_same_times(shop: Shop) -> None:
    first, last = next_monday() - timedelta(days=1), next_monday() + timedelta(days=1)
    here, there = await shop.slots(first, last), await shop.slots(first, last, tz="Pacific/Kiritimati")
    assert [at for slots in here.values() for at in slots] == [at for slots in there.values() for at in slots]
    assert list(there) == list(here)
    assert len(there[last.isoformat()]) > len(there[next_monday().isoformat()])


async def test_with_a_size_it_says_what_the_job_costs_and_nobody_comes_too_far(shop: Shop) -> None:
    asked: Json = {"tier_id": TIER, "from": next_monday().isoformat(), "to": next_monday().isoformat()}
    assert (await get(shop, "/slots", size_class="suv", zip="11201", **asked))["price_cents"] == PRICE
    refused = await get(shop, "/slots", 409, zip="02108", **asked)
    assert refused["type"] == "/problems/out-of-service-area"


@pytest.mark.parametrize("wrong", [{"tz": "Mars/Olympus"}, {"zip": "00000"}, {"to": "2020-01-01"}, {"first_free": "x"}])
async def test_what_makes_no_sense_is_refused(shop: Shop, wrong: Json) -> None:
    day = next_monday().isoformat()
    await get(shop, "/slots", 422, **{"tier_id": TIER, "from": day, "to": day} | wrong)


# -- why --


async def test_why_a_time_is_hidden_is_told_crew_by_crew(shop: Shop) -> None:
    booking = await shop.held(monday_at(9))
    second = await say(shop, "POST", "/crews", {"name": "Van 2"})
    told = await get(shop, "/slots/why", tier_id=TIER, at=monday_at(10))
    assert (told["offered"], [crew["hidden_by"] for crew in told["crews"]]) == (
        True, [[{"rule": "taken", "booking_id": booking["id"]}], []]
    )  # fmt: skip
    assert told["crews"][1]["crew_id"] == second["id"]
    past = await get(shop, "/slots/why", tier_id=TIER, at="2020-01-06T14:00:00Z")
    assert [hidden["rule"] for hidden in past["crews"][0]["hidden_by"]] == ["lead"]
    far = await get(shop, "/slots/why", tier_id=TIER, at="2199-01-07T14:10:00Z")
    assert [hidden["rule"] for hidden in far["crews"][0]["hidden_by"]] == ["horizon", "off_grid"]


@pytest.mark.parametrize(("status", "counts"), [("completed", True), ("no_show", True), ("cancelled", False)])
async def test_what_took_the_crews_time_counts_for_its_day_and_keeps_nobody(
    shop: Shop, session: AsyncSession, status: str, counts: bool
) -> None:
    """Also if the customer was not there. Over, it is of today."""
    booking = await shop.held(monday_at(9))
    [crew] = (await get(shop, "/affiliates/31/crews"))["items"]
    await say(shop, "PUT", f"/crews/{crew['id']}", {"name": "Van 1", "max_jobs_per_day": 1})
    await session.execute(
        text("update bookings set status = :status, appointment_start = now(), appointment_end = now() + '2 h',"
             " blocked = tstzrange(now(), now() + interval '2 h') where id = :id"), booking | {"status": status}
    )  # fmt: skip
    told = await get(shop, "/slots/why", tier_id=TIER, at=(await session.scalar(text("select now()"))).isoformat())
    rules = {hidden["rule"] for hidden in told["crews"][0]["hidden_by"]}
    assert ("max_jobs" in rules, rules & {"taken", "buffer"}) == (counts, set())


async def test_only_the_team_and_staff_are_told_why(shop: Shop) -> None:
    asked: Json = {"tier_id": TIER, "at": monday_at(10)}
    for actor, status in ((member(AFFILIATE), 200), (ADMIN, 200), (customer(7), 403), (member(99), 403)):
        answer = await shop.client.get("/booking/v1/slots/why", params=asked, headers=shop.as_(actor))
        assert answer.status_code == status


# -- nearby --


async def nearby(shop: Shop, **more: Any) -> list[Json]:
    asked = {"affiliate_ids": [AFFILIATE, 32, 1031], "category": "full", "zip": "11201"} | more
    found: list[Json] = (await get(shop, "/slots/nearby", **asked))["items"]
    return found


async def test_who_is_free_at_a_moment_and_when_next(shop: Shop) -> None:
    await shop.held(monday_at(9))
    [free] = await nearby(shop, at=monday_at(12))
    assert (free["affiliate_id"], free["tier_id"], free["free_then"]) == (AFFILIATE, TIER, True)
    [later] = await nearby(shop, at=monday_at(10))
    assert later["free_then"] is False
    assert datetime.fromisoformat(later["first_free"]) == datetime.fromisoformat(monday_at(11, 30))
    days = {"from": next_monday().isoformat(), "to": next_monday().isoformat()}
    assert (await nearby(shop, **days))[0]["free_then"] is None


async def test_whoever_does_not_come_or_does_not_do_it_is_not_among_them(shop: Shop) -> None:
    assert await nearby(shop, at=monday_at(12), zip="02108") == []
    assert await nearby(shop, at=monday_at(12), category="ceramic") == []
    await shop.deliver(published_offer(2, active=False))
    assert await nearby(shop, at=monday_at(12)) == []


async def test_fifty_are_asked_in_as_many_statements_as_one(
    shop: Shop, session: AsyncSession, statements: Statements
) -> None:
    with statements() as one:
        await nearby(shop, at=monday_at(12))
    for sql in FIFTY:
        await session.execute(text(sql))
    with statements() as many:
        found = await nearby(shop, at=monday_at(12), affiliate_ids=[AFFILIATE, *range(1001, 1050)])
    assert (len(found), {item["free_then"] for item in found}) == (50, {True})
    assert len(one) == len(many) == 2, "\n".join(many)


FIFTY = (
    "insert into affiliates (affiliate_id, version, name, application_status, timezone)"
    " select 1000 + n, version, name, application_status, timezone from affiliates, generate_series(1, 49) n",
    "insert into tiers (tier_id, version, service_id, affiliate_id, service_name, tier_name, price_cents, category,"
    " duration_minutes, active) select 1000 + n, version, service_id, 1000 + n, service_name, tier_name, price_cents,"
    " category, duration_minutes, active from tiers, generate_series(1, 49) n",
    "insert into availability (affiliate_id, weekday, opens_minute, closes_minute)"
    " select 1000 + n, weekday, opens_minute, closes_minute from availability, generate_series(1, 49) n",
    "insert into crews (affiliate_id, name) select 1000 + n, name from crews, generate_series(1, 49) n",
)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"affiliate_ids": list(range(1, 52)), "at": "2026-12-01T10:00:00Z"},
        {"from": "2030-01-01", "to": "2030-01-08"},
    ],
)
async def test_a_week_and_fifty_are_the_most(shop: Shop, wrong: Json) -> None:
    await get(shop, "/slots/nearby", 422, **{"affiliate_ids": [AFFILIATE], "category": "full", "zip": "11201"} | wrong)
