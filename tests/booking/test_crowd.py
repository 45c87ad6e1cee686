"""P1 at random: some hundred requests, and red without the guards. tests/chaos/test_crowd.py has 50,000."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.booking.domain import offer
from services.booking.domain.slots import Schedule, Slot
from services.booking.domain.tour import Stop
from services.booking.domain.travel import NO_TIME, Drives
from services.booking.queries import offers
from shared.auth import Actor
from shared.db import Database
from shared.pricing import Job, Price, PriceList, Promotion, TierOnSale, price
from shared.testing.plugin import AsOwner, Headers, deliver_to

from .conftest import open_shop
from .crowd import Crowd
from .test_races import UNLOCKED, overlaps

REQUESTS = 500


@pytest_asyncio.fixture
async def crowd(fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database) -> Crowd:
    shop = await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))
    crowd = Crowd(shop, fresh_database, [1, 2, 3], days=2, in_flight=12)
    await crowd.arrange()
    return crowd


async def comes_until(crowd: Crowd, noticed: Callable[[], Awaitable[Any]]) -> None:
    """Whether a fault shows depends on who comes first: it must within 1,500 requests, and mostly does within 250."""
    for _ in range(6):
        await crowd.comes(crowd.sent + 250)
        if await noticed():
            return
    pytest.fail("nothing was noticed")


async def returned(value: Any) -> Any:
    return value


async def test_whatever_is_asked_at_once_no_crew_is_booked_twice_and_nobody_is_refused_for_nothing(
    crowd: Crowd, fresh_database: Database
) -> None:
    await crowd.comes(REQUESTS)
    assert (crowd.other_answers(), crowd.wrong) == (set(), []), crowd.answers
    assert (crowd.witness.double_booked(), await overlaps(fresh_database), await crowd.deadlocks()) == ([], 0, 0)
    assert (await crowd.refused_for_nothing(), await crowd.not_as_told()) == ([], [])
    assert {(201, ""), (409, "slot-taken"), (409, "slot-not-offered")} <= set(crowd.answers)
    assert {"accept", "decline", "reschedule", "cancel", "several", "extras", "extras/agree"} <= set(crowd.done)


async def test_negative_control_without_guards_crews_are_booked_twice(
    crowd: Crowd, fresh_database: Database, as_owner: AsOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "LOCK_FOR_BOOKING", UNLOCKED)
    await as_owner("alter table bookings drop constraint bookings_no_overlap")
    await crowd.comes(REQUESTS)
    assert crowd.witness.double_booked()
    assert await overlaps(fresh_database) > 0


async def test_negative_control_a_crew_that_is_overlooked_is_noticed(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot_at = Schedule.slot_at

    def but_the_last(self: Schedule, start: datetime, stop: Stop) -> Slot | None:
        return slot_at(replace(self, crews=self.crews[:-1]), start, stop)

    monkeypatch.setattr(Schedule, "slot_at", but_the_last)
    await comes_until(crowd, crowd.refused_for_nothing)


async def test_negative_control_drives_that_are_not_counted_are_noticed(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drives, "_drive", lambda *_, **__: NO_TIME)
    await comes_until(crowd, lambda: returned(crowd.witness.double_booked() and crowd.wrong))


async def test_negative_control_drives_that_are_counted_twice_are_noticed(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Drives._drive
    monkeypatch.setattr(Drives, "_drive", lambda *of, **way: once(*of, **way) * 2)
    await comes_until(crowd, crowd.refused_for_nothing)
    await comes_until(crowd, lambda: returned(crowd.wrong))


async def test_negative_control_vehicles_that_take_no_time_are_noticed(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_the_first(tier: TierOnSale, rules: PriceList, job: Job, promotion: Promotion | None) -> Price:
        return price(tier, rules, job, promotion).model_copy(update={"duration_minutes": tier.duration_minutes})

    monkeypatch.setattr(offer, "price", of_the_first)
    await comes_until(crowd, lambda: returned(crowd.wrong))


async def test_negative_control_a_crew_that_is_said_to_have_no_time_for_extras_is_noticed(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Schedule, "crew_until", lambda *_: None)
    await comes_until(crowd, crowd.refused_for_nothing)
