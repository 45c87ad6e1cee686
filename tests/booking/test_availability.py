"""What affiliates say of when they work, with what, and how they may be booked."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.auth import Actor, Role
from shared.contracts.booking import (
    AvailabilityChanged,
    CrewChanged,
    ExceptionAdded,
    ExceptionEvent,
    ExceptionRemoved,
    ScheduleSettingsChanged,
)
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import SUPPORT, customer, member

from .conftest import AFFILIATE, MONDAYS, Shop

BASE = f"/booking/v1/affiliates/{AFFILIATE}"
Json = dict[str, Any]


@pytest_asyncio.fixture
async def ask(
    shop: Shop, client: httpx.AsyncClient, as_: Callable[[Actor], Headers]
) -> Callable[..., Awaitable[httpx.Response]]:
    """As its owner, if nobody else is named."""

    async def ask(method: str, path: str, body: Any = None, by: Actor | None = None, **headers: str) -> httpx.Response:
        sent = as_(by or member(AFFILIATE)) | {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.request(method, f"{BASE}{path}", json=body, headers=sent)

    return ask


Ask = Callable[..., Awaitable[httpx.Response]]


def window(opens: str = "08:00", closes: str = "12:00", **more: Any) -> Json:
    return {"weekday": 0, "opens": opens, "closes": closes} | more


def closed(first: str, last: str | None = None, **more: Any) -> Json:
    return {"kind": "closed", "first_day": first, "last_day": last or first} | more


# -- crews --


async def test_an_affiliate_begins_with_one_crew_and_adds_another(ask: Ask, published: Published) -> None:
    made = await ask("POST", "/crews", {"name": "Van 2", "buffer_after_minutes": 15, "start_zip": "10001"})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    shown = (await ask("GET", "/crews")).json()["items"]
    assert [(crew["name"], crew["buffer_after_minutes"], crew["start_zip"]) for crew in shown] == [
        ("Crew 1", 30, None), ("Van 2", 15, "10001")
    ]  # fmt: skip
    assert [(e.name, e.active, e.version) for e in await published(CrewChanged)] == [("Van 2", True, 1)]


async def test_a_crew_changes_by_its_version(ask: Ask) -> None:
    [crew] = (await ask("GET", "/crews")).json()["items"]
    path = f"/crews/{crew['id']}"
    wanted = {"name": "Van 1", "buffer_before_minutes": 10, "max_jobs_per_day": 3}
    changed = await ask("PUT", path, wanted, If_Match='"1"')
    assert (changed.status_code, changed.headers["ETag"], changed.json()["max_jobs_per_day"]) == (200, '"2"', 3)
    assert (await ask("PUT", path, wanted, If_Match='"1"')).status_code == 412


async def test_the_last_crew_stays_and_another_rests_and_comes_back(ask: Ask, published: Published) -> None:
    [first] = (await ask("GET", "/crews")).json()["items"]
    refused = await ask("POST", f"/crews/{first['id']}/deactivate")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/last-crew")
    second = (await ask("POST", "/crews", {"name": "Van 2"})).json()
    for verb, active in (("deactivate", False), ("deactivate", False), ("activate", True)):
        answer = await ask("POST", f"/crews/{second['id']}/{verb}")
        assert (answer.status_code, answer.json()["active"]) == (200, active)
    assert [(e.version, e.active) for e in await published(CrewChanged)] == [(1, True), (2, False), (3, True)]


async def test_crews_of_others_are_not_there(ask: Ask, client: httpx.AsyncClient) -> None:
    assert (await ask("PUT", "/crews/999999", {"name": "Mine"})).json()["type"] == "/problems/no-such-crew"
    foreign = await ask("PUT", "/availability", {"windows": [window(crew_id=999999)]})
    assert (foreign.status_code, foreign.json()["type"]) == (404, "/problems/no-such-crew")


@pytest.mark.parametrize("by", [customer(7), member(99), member(AFFILIATE, Role.TECHNICIAN)], ids=str)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/availability", MONDAYS),
        ("PUT", "/schedule-settings", {}),
        ("POST", "/crews", {"name": "Van 2"}),
        ("POST", "/exceptions", closed("2030-12-24")),
    ],
)
async def test_only_those_who_run_it_change_it(ask: Ask, by: Actor, method: str, path: str, body: Json) -> None:
    assert (await ask(method, path, body, by)).status_code == 403
    assert (await ask(method, path, body, SUPPORT)).status_code in (200, 201)


# -- windows --


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        ({}, {}, 422),
        ({}, {"crew_id": 1}, 422),
        ({"crew_id": 1}, {"crew_id": 1, "zips": ["10001"]}, 422),
        ({"crew_id": 1}, {"crew_id": 2}, 200),
        ({}, {"opens": "12:00", "closes": "13:00"}, 200),
        ({}, {"weekday": 1}, 200),
    ],
)
async def test_windows_of_one_crew_do_not_overlap(ask: Ask, one: Json, other: Json, status: int) -> None:
    ids = [
        (await ask("GET", "/crews")).json()["items"][0]["id"],
        (await ask("POST", "/crews", {"name": "2"})).json()["id"],
    ]
    wanted = [window(**what) for what in (one, other)]
    for what in wanted:
        what |= {"crew_id": ids[what["crew_id"] - 1]} if "crew_id" in what else {}
    answer = await ask("PUT", "/availability", {"windows": wanted})
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["type"] == "/problems/windows-overlap"


async def test_a_window_keeps_its_crew_and_its_places(ask: Ask) -> None:
    [crew] = (await ask("GET", "/crews")).json()["items"]
    places = {"crew_id": crew["id"], "zips": ["10001", "11201"], "near_zip": "10451", "near_radius_m": 5000}
    answer = await ask("PUT", "/availability", {"windows": [window(**places)]})
    assert answer.json()["windows"] == [window(**places)]


@pytest.mark.parametrize("places", [{"zips": ["00000"]}, {"near_zip": "10001"}, {"near_radius_m": 5}, {"zips": ["1"]}])
async def test_places_must_be_somewhere(ask: Ask, places: Json) -> None:
    assert (await ask("PUT", "/availability", {"windows": [window(**places)]})).status_code == 422


async def test_all_windows_are_told_each_time(ask: Ask, published: Published) -> None:
    """And nothing of those that are refused."""
    for windows in ([window(), window(weekday=1, zips=["10001"])], [window(), window()], []):
        await ask("PUT", "/availability", {"windows": windows})
    told, last = (await published(AvailabilityChanged))[-2:]
    assert [(one.weekday, one.opens_minute, one.zips) for one in told.windows] == [(0, 480, []), (1, 480, ["10001"])]
    assert (told.affiliate_id, last.version - told.version, last.windows) == (AFFILIATE, 1, [])


async def test_an_exception_is_told_and_that_it_is_gone(ask: Ask, published: Published) -> None:
    made = (await ask("POST", "/exceptions", closed("2031-01-01", from_time="12:00"))).json()
    await ask("POST", "/exceptions", closed("2031-01-01"))  # refused
    for _ in range(2):
        await ask("DELETE", f"/exceptions/{made['id']}")
    told = [event for event in await published() if isinstance(event, ExceptionEvent)]
    assert [(type(e), e.aggregate_id, e.version, e.kind, e.from_minute) for e in told] == [
        (ExceptionAdded, made["id"], 1, "closed", 720), (ExceptionRemoved, made["id"], 2, "closed", 720)
    ]  # fmt: skip


# -- exceptions --


async def test_exceptions_are_listed_in_their_order_until_they_are_over_or_taken_back(ask: Ask) -> None:
    for body in (closed("2031-01-01"), closed("2030-12-24", from_time="12:00"), closed("2020-01-01")):
        assert (await ask("POST", "/exceptions", body | {"note": "Feast"})).status_code == 201
    first, second = (await ask("GET", "/exceptions")).json()["items"]
    assert (first["first_day"], first["from_time"], first["to_time"]) == ("2030-12-24", "12:00", "24:00")
    assert (second["first_day"], second["crew_id"], second["note"]) == ("2031-01-01", None, "Feast")
    assert (await ask("DELETE", f"/exceptions/{first['id']}")).status_code == 204
    assert (await ask("DELETE", f"/exceptions/{first['id']}")).status_code == 404
    assert [e["id"] for e in (await ask("GET", "/exceptions")).json()["items"]] == [second["id"]]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 409),
        ({"from_time": "09:00", "to_time": "10:00"}, 409),
        ({"kind": "vacation", "last_day": "2030-12-30"}, 201),
        ({"first_day": "2030-12-25", "last_day": "2030-12-25"}, 201),
    ],
)
async def test_nothing_is_said_twice(ask: Ask, more: Json, status: int) -> None:
    await ask("POST", "/exceptions", closed("2030-12-24"))
    again = await ask("POST", "/exceptions", closed("2030-12-24") | more)
    assert again.status_code == status, again.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"last_day": "2030-12-23"}, {"last_day": "2032-01-01"}, {"from_time": "10:00", "to_time": "10:00"},
        {"kind": "vacation", "from_time": "08:00"}, {"kind": "party"}, {"crew_id": 999999},
    ],
)  # fmt: skip
async def test_exceptions_that_make_no_sense_are_refused(ask: Ask, wrong: Json) -> None:
    assert (await ask("POST", "/exceptions", closed("2030-12-24") | wrong)).status_code in (404, 422)


# -- settings --


async def test_settings_are_the_usual_until_they_are_set_and_change_by_version(ask: Ask, published: Published) -> None:
    usual = await ask("GET", "/schedule-settings")
    assert (usual.headers["ETag"], usual.json()["slot_interval_minutes"]) == ('"0"', 30)
    wanted = {"slot_interval_minutes": 15, "lead_minutes": 120, "horizon_days": 30, "arrival_window_minutes": 60}
    first = await ask("PUT", "/schedule-settings", wanted, If_Match='"0"')
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    assert (await ask("PUT", "/schedule-settings", wanted, If_Match='"0"')).status_code == 412
    assert (await ask("PUT", "/schedule-settings", {}, If_Match='"1"')).json()["lead_minutes"] is None
    assert [(e.affiliate_id, e.version) for e in await published(ScheduleSettingsChanged)] == [
        (AFFILIATE, 1), (AFFILIATE, 2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"lead_minutes": 59}, 422), ({"lead_minutes": 60}, 200), ({"lead_minutes": 0}, 422),
        ({"horizon_days": 91}, 422), ({"horizon_days": 90}, 200), ({"slot_interval_minutes": 7}, 422),
        ({"slot_interval_minutes": 1440}, 422), ({"slot_interval_minutes": 45}, 200),
    ],
)  # fmt: skip
async def test_lead_time_only_grows_and_the_horizon_only_shrinks(ask: Ask, wanted: Json, status: int) -> None:
    assert (await ask("PUT", "/schedule-settings", wanted)).status_code == status
