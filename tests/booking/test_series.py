"""Standing orders: begun, booked visit by visit, missed, left out, changed, paused, ended."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from services.booking.queries.series import claim_due
from shared.auth import Role
from shared.clock import now
from shared.contracts.booking import (
    BookingCancelled,
    BookingHeld,
    ErasurePutOff,
    SeriesChanged,
    SeriesEnded,
    SeriesPaused,
    SeriesVisitBooked,
    SeriesVisitMissed,
    SeriesVisitSkipped,
)
from shared.contracts.identity import ErasureRequested, UserClosed
from shared.db import Database
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import (
    ADD_ON,
    AFFILIATE,
    PRICE,
    ZONE,
    Shop,
    add_on,
    approved,
    captured,
    monday_at,
    next_monday,
    price_list,
    promotion,
    published_offer,
)
from .quoting import SECOND, TIER_OF, also_open, problem
from .standing import Standing, wanted, week
from .test_life import act
from .test_requests import ask_first


@pytest_asyncio.fixture
async def standing(shop: Shop, database: Database) -> Standing:
    return Standing(shop, database)


def local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M")


async def test_a_series_books_its_visits_one_by_one_as_each_is_paid(standing: Standing) -> None:
    series = await standing.begun()
    assert (series["status"], series["next_date"], series["price_cents"]) == ("active", week(0), PRICE)
    [first] = (await standing.visits(series)).values()
    assert (first["status"], first["booking_status"], local(first["starts_at"])) == (
        "booked",
        "held",
        f"{week(0)} 09:00",
    )
    await standing.run_when_due(series)
    assert len(await standing.visits(series)) == 1
    await standing.pay(first)
    await standing.run_when_due(series)
    assert list(await standing.visits(series)) == [week(0), week(1)]


async def test_a_visit_is_a_booking_that_names_its_series_and_can_be_paid_for_a_day(
    standing: Standing, published: Published
) -> None:
    series = await standing.begun()
    [visit] = (await standing.visits(series)).values()
    booking = await standing.shop.look({"id": visit["booking_id"], "customer_id": 7})
    assert (booking["series_id"], booking["status"], booking["price_cents"]) == (series["id"], "held", PRICE)
    kept_for = datetime.fromisoformat(booking["hold_expires_at"]) - datetime.fromisoformat(booking["created_at"])
    assert timedelta(hours=23, minutes=59) < kept_for <= timedelta(hours=24)
    [held] = await published(BookingHeld)
    assert held.series_id == series["id"]
    [told] = await published(SeriesVisitBooked)
    assert (told.booking_id, told.price_cents, told.previous_price_cents) == (visit["booking_id"], PRICE, PRICE)


async def test_nothing_is_booked_further_ahead_than_said_or_than_the_affiliate_can_be(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = await standing.begun(first_date=week(4))
    assert await standing.visits(series) == {}
    assert await standing.planned(series) == [week(n) for n in range(4, 10)]
    monkeypatch.setattr("services.booking.domain.series._ahead", [timedelta(days=60)])
    await standing.sql("insert into schedule_settings (affiliate_id, horizon_days) values (:a, 14)", a=AFFILIATE)
    await standing.run_when_due(series)
    assert await standing.visits(series) == {}
    await standing.sql("update schedule_settings set horizon_days = 60")
    await standing.run_when_due(series)
    assert list(await standing.visits(series)) == [week(4)]


async def test_a_time_that_another_has_is_missed_and_another_can_be_taken_for_it(
    standing: Standing, published: Published
) -> None:
    await standing.shop.held(monday_at(10), customer(8))
    series = await standing.begun()
    missed, second = (await standing.visits(series)).values()
    assert (missed["status"], missed["reason"], missed["booking_id"]) == ("missed", "slot-taken", None)
    free = (await standing.shop.slots(*[next_monday()] * 2))[week(0)]
    assert missed["other_times"] == free[:3]
    assert second["status"] == "booked"
    [told] = await published(SeriesVisitMissed)
    assert (told.reason, told.starts_at, len(told.other_times)) == (
        "slot-taken", datetime.fromisoformat(monday_at(9)), 3,
    )  # fmt: skip
    taken = await standing.act(series, f"visits/{week(0)}/take", body={"starts_at": missed["other_times"][0]})
    assert (taken.status_code, taken.json()["series_id"]) == (201, series["id"])
    visits = await standing.visits(series)
    assert (visits[week(0)]["status"], visits[week(0)]["booking_id"]) == ("booked", taken.json()["id"])
    again = await standing.act(series, f"visits/{week(0)}/take", body={"starts_at": missed["other_times"][1]})
    assert problem(again) == (409, "visit-is-seen-to")


async def close(standing: Standing) -> None:
    body = {"kind": "vacation", "first_day": week(1), "last_day": week(1)}
    path = f"/booking/v1/affiliates/{AFFILIATE}/exceptions"
    answer = await standing.shop.client.post(path, json=body, headers=standing.shop.as_(member(AFFILIATE)))
    assert answer.status_code == 201, answer.text


async def lapse(standing: Standing) -> None:
    await standing.shop.deliver(published_offer(2, active=False))


async def move_away(standing: Standing) -> None:
    await standing.shop.deliver(approved(3, latitude=34.05, longitude=-118.24))


async def leave_out_the_add_on(standing: Standing) -> None:
    await standing.shop.deliver(price_list(2))


@pytest.mark.parametrize(
    ("happens", "reason", "others"),
    [
        (close, "slot-not-offered", True),
        (lapse, "not-bookable", False),
        (move_away, "out-of-service-area", False),
        (leave_out_the_add_on, "add-on-not-offered", False),
    ],
)
async def test_a_visit_that_is_not_offered_is_missed_with_the_reason_and_the_series_goes_on(
    standing: Standing, happens: Callable[[Standing], Any], reason: str, others: bool
) -> None:
    await standing.shop.deliver(price_list(add_ons=[add_on()]))
    series = await standing.begun(add_on_ids=[ADD_ON])
    await standing.pay((await standing.visits(series))[week(0)])
    await happens(standing)
    await standing.run_when_due(series)
    missed = (await standing.visits(series))[week(1)]
    assert (missed["status"], missed["reason"], bool(missed["other_times"])) == ("missed", reason, others)
    assert (await standing.look(series))["status"] == "active"


async def test_a_time_that_the_clocks_skip_is_missed(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    series = await standing.begun()
    await standing.pay((await standing.visits(series))[week(0)])
    monkeypatch.setattr("services.booking.domain.rhythm.first_showing", lambda wall, zone: None)
    await standing.run_when_due(series)
    assert {visit["reason"] for visit in list((await standing.visits(series)).values())[1:]} == {"no-such-time"}


async def test_each_visit_has_the_price_of_the_day_on_which_it_is_booked(
    standing: Standing, published: Published
) -> None:
    series = await standing.begun(price_cents=PRICE)
    await standing.pay((await standing.visits(series))[week(0)])
    await standing.shop.deliver(published_offer(2, price_cents=PRICE + 2_000))
    visits = await standing.all_paid(series, 2)
    assert [visit["price_cents"] for visit in visits.values()] == [PRICE, PRICE + 2_000, PRICE + 2_000]
    told = [(event.previous_price_cents, event.price_cents) for event in await published(SeriesVisitBooked)]
    assert told == [(PRICE, PRICE), (PRICE, PRICE + 2_000), (PRICE + 2_000, PRICE + 2_000)]
    another = await standing.ask(price_cents=PRICE)
    assert problem(another) == (409, "price-changed")


async def test_who_holds_as_much_as_they_may_has_the_visit_wait_and_booked_once_one_is_paid(standing: Standing) -> None:
    own = [await standing.shop.held(monday_at(hour)) for hour in (8, 11, 14)]
    series = await standing.begun(first_date=week(1))
    assert await standing.visits(series) == {}
    assert (await standing.look(series))["next_date"] == week(1)
    await standing.shop.deliver(captured(own[0]))
    await standing.run_when_due(series)
    assert (await standing.visits(series))[week(1)]["booking_status"] == "held"
    refused = await standing.shop.book(monday_at(16))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-holds")


async def test_what_waited_until_it_was_too_late_is_missed(standing: Standing) -> None:
    own = [await standing.shop.held(monday_at(hour), customer(7)) for hour in (8, 11, 14)]
    series = await standing.begun()
    assert len(own) == 3
    await standing.sql("insert into schedule_settings (affiliate_id, lead_minutes) values (:a, 20160)", a=AFFILIATE)
    await standing.run_when_due(series)
    assert (await standing.visits(series))[week(0)]["reason"] == "too-many-holds"


async def test_visits_that_nobody_pays_pause_the_series_until_its_customer_goes_on(
    standing: Standing, published: Published
) -> None:
    series = await standing.begun()
    for n in range(2):
        assert list(await standing.visits(series)) == [week(m) for m in range(n + 1)]
        await standing.sql("update bookings set hold_expires_at = now() where status = 'held'")
        await standing.run_when_due(series)
    paused = await standing.look(series)
    assert (paused["status"], paused["paused_by"], paused["next_date"]) == ("paused", "unpaid", week(2))
    assert [event.paused_by for event in await published(SeriesPaused)] == ["unpaid"]
    assert await standing.planned(series) == []
    await standing.run_when_due(series)
    assert len(await standing.visits(series)) == 2
    resumed = (await standing.act(series, "resume")).json()
    assert (resumed["status"], resumed["paused_by"]) == ("active", None)
    await standing.run_when_due(series)
    assert (await standing.visits(series))[week(2)]["booking_status"] == "held"
    again = await standing.act(series, f"visits/{week(0)}/take", body={"starts_at": monday_at(9)})
    assert again.status_code == 201


async def test_a_day_is_left_out_and_the_rhythm_stays(standing: Standing, published: Published) -> None:
    series = await standing.begun()
    skipped = await standing.act(series, f"visits/{week(1)}/skip")
    assert (skipped.status_code, skipped.json()["status"]) == (200, "skipped")
    assert await standing.planned(series) == [week(n) for n in range(2, 8)]
    for day, refusal in (
        (week(1), (409, "visit-is-seen-to")),
        (week(0), (409, "visit-is-seen-to")),
        ((next_monday() + timedelta(days=1)).isoformat(), (404, "no-such-visit")),
        (week(-1), (404, "no-such-visit")),
        (week(70), (404, "no-such-visit")),
    ):
        assert problem(await standing.act(series, f"visits/{day}/skip")) == refusal
    await standing.pay((await standing.visits(series))[week(0)])
    await standing.run_when_due(series)
    assert [(day, visit["status"]) for day, visit in (await standing.visits(series)).items()] == [
        (week(0), "booked"), (week(1), "skipped"), (week(2), "booked"),
    ]  # fmt: skip
    assert [event.on_date.isoformat() for event in await published(SeriesVisitSkipped)] == [week(1)]


async def test_one_visit_is_moved_or_cancelled_as_any_booking_and_the_series_goes_on(standing: Standing) -> None:
    series = await standing.begun()
    visits = await standing.all_paid(series, 2)
    first, second = ({"id": visits[week(n)]["booking_id"], "customer_id": 7} for n in range(2))
    moved = await act(standing.shop, first, "reschedule", customer(7), json={"starts_at": monday_at(13)})
    assert moved.status_code == 200, moved.text
    assert (await act(standing.shop, second, "cancel", customer(7), json={})).status_code == 200
    await standing.run_when_due(series)
    visits = await standing.visits(series)
    assert (visits[week(0)]["status"], local(visits[week(0)]["starts_at"])) == ("booked", f"{week(0)} 13:00")
    assert visits[week(1)]["booking_status"] == "cancelled"
    assert local(visits[week(2)]["starts_at"]) == f"{week(2)} 09:00"


async def test_visits_stand_in_the_calendars_of_both_sides(standing: Standing) -> None:
    series = await standing.begun()
    await standing.all_paid(series, 1)
    for who, body in ((customer(7), {}), (member(AFFILIATE), {"affiliate_id": AFFILIATE})):
        made = await standing.shop.client.post("/booking/v1/feeds", json=body, headers=standing.shop.as_(who))
        feed = await standing.shop.client.get(httpx.URL(made.json()["url"]).path)
        told = [line for line in feed.text.splitlines() if line.startswith("STATUS")]
        assert told == (["STATUS:CONFIRMED"] if not body else ["STATUS:TENTATIVE", "STATUS:CONFIRMED"])


@pytest.mark.parametrize(("paid_visits", "left"), [("keep", "confirmed"), ("cancel", "cancelled")])
async def test_ending_lets_unpaid_visits_go_and_does_with_paid_ones_as_it_is_told(
    standing: Standing, published: Published, paid_visits: str, left: str
) -> None:
    series = await standing.begun()
    await standing.all_paid(series, 1)
    ended = await standing.act(series, "end", body={"paid_visits": paid_visits, "reason": "Sold the car."})
    assert (ended.status_code, ended.json()["status"], ended.json()["ended_by"]) == (200, "ended", "customer")
    assert (ended.json()["next_date"], ended.json()["end_reason"]) == (None, "Sold the car.")
    visits = await standing.visits(series)
    assert [visit["booking_status"] for visit in visits.values()] == [left, "cancelled"]
    refunds = [event.refund_cents for event in await published(BookingCancelled)]
    assert sorted(refunds) == ([0] if paid_visits == "keep" else [0, PRICE])
    await standing.run_when_due(series)
    assert len(await standing.visits(series)) == 2
    for verb in ("end", "pause", "resume"):
        assert problem(await standing.act(series, verb, body={} if verb == "end" else None)) == (409, "series-is-over")


async def test_it_ends_from_a_day_on_and_by_itself_after_its_last_day(standing: Standing, published: Published) -> None:
    series = await standing.begun()
    changed = (await standing.act(series, "end", body={"from_date": week(2)})).json()
    assert (changed["status"], changed["last_date"]) == (
        "active", (next_monday() + timedelta(days=13)).isoformat(),
    )  # fmt: skip
    assert await standing.planned(series) == [week(1)]
    await standing.all_paid(series, 3)
    assert list(await standing.visits(series)) == [week(0), week(1)]
    assert (await standing.look(series))["status"] == "active"
    await standing.sql("update series set first_on = first_on - 70, last_on = last_on - 70")
    await standing.run_when_due(series)
    assert (await standing.look(series))["status"] == "ended"
    assert [event.ended_by for event in await published(SeriesEnded)] == ["platform"]
    assert len(await published(SeriesChanged)) == 1


@pytest.mark.parametrize("more", [{"visits": 2}, {"last_date": week(1)}, {"visits": 9, "last_date": week(1)}])
async def test_so_many_visits_or_until_a_date(standing: Standing, more: dict[str, Any]) -> None:
    series = await standing.begun(**more)
    assert (series["last_date"], await standing.planned(series)) == (week(1), [week(1)])


async def test_from_a_day_on_another_series_follows(standing: Standing, published: Published) -> None:
    series = await standing.begun()
    await standing.all_paid(series, 2)
    body = wanted(first_date=week(1), time="14:00", every_weeks=1)
    answer = await standing.act(series, "change", body=body)
    assert answer.status_code == 201, answer.text
    new = answer.json()
    old = await standing.look(series)
    assert (old["status"], old["followed_by_id"], new["id"]) == ("ended", new["id"], new["id"])
    assert [v["booking_status"] for v in (await standing.visits(series)).values()] == [
        "confirmed", "confirmed", "cancelled",
    ]  # fmt: skip
    await standing.run(new)
    visits = await standing.visits(new)
    assert (visits[week(1)]["status"], visits[week(1)]["reason"]) == ("skipped", "paid-before")
    assert local(visits[week(2)]["starts_at"]) == f"{week(2)} 14:00"
    assert [event.followed_by_id for event in await published(SeriesEnded)] == [new["id"]]


async def test_a_change_from_a_later_day_leaves_what_comes_before_as_it_was(standing: Standing) -> None:
    series = await standing.begun()
    answer = await standing.act(series, "change", body=wanted(first_date=week(8), every_weeks=4))
    new, old = answer.json(), await standing.look(series)
    assert (old["status"], old["followed_by_id"]) == ("active", new["id"])
    assert await standing.planned(series) == [week(n) for n in range(1, 7)]
    assert (await standing.planned(new))[:2] == [week(8), week(12)]


async def test_a_series_stays_with_its_affiliate(standing: Standing) -> None:
    await also_open(standing.shop, SECOND)
    series = await standing.begun()
    refused = await standing.act(series, "change", body=wanted(tier_id=TIER_OF[SECOND], first_date=week(2)))
    assert problem(refused) == (422, "of-another-affiliate")


async def test_with_its_affiliate_it_rests_goes_on_and_ends(standing: Standing, published: Published) -> None:
    series, resting = await standing.begun(), await standing.begun(customer(8), time="13:00")
    await standing.act(resting, "pause")
    await standing.shop.deliver(approved(3, application_status="suspended"))
    await standing.shop.deliver(approved(2, application_status="approved"))  # late
    assert [(await standing.look(one))["paused_by"] for one in (series, resting)] == ["affiliate", "customer"]
    assert problem(await standing.act(series, "resume")) == (409, "not-bookable")
    await standing.shop.deliver(approved(4))
    assert [(await standing.look(one))["status"] for one in (series, resting)] == ["active", "paused"]
    assert problem(await standing.act(series, "resume")) == (409, "series-does-not-rest")
    assert problem(await standing.act(resting, "pause")) == (409, "series-rests")
    await standing.shop.deliver(approved(5, application_status="closed"))
    for one in (series, resting):
        seen = await standing.look(one)
        assert (seen["status"], seen["ended_by"], seen["paused_by"]) == ("ended", "platform", None)
    assert len(await published(SeriesEnded)) == 2


async def test_an_affiliate_that_says_yes_first_is_asked_for_each_visit(standing: Standing) -> None:
    await ask_first(standing.shop)
    series = await standing.begun()
    [visit] = (await standing.visits(series)).values()
    assert (visit["status"], visit["booking_status"]) == ("booked", "requested")
    await standing.run_when_due(series)
    assert len(await standing.visits(series)) == 1
    booking = {"id": visit["booking_id"], "customer_id": 7}
    assert (await act(standing.shop, booking, "decline", member(AFFILIATE), json={})).status_code == 200
    await standing.run_when_due(series)
    assert (await standing.visits(series))[week(1)]["booking_status"] == "requested"
    for _ in range(2):  # nobody answers
        await standing.sql("update bookings set status = 'expired' where status = 'requested'")
        await standing.run_when_due(series)
    assert (await standing.look(series))["status"] == "active"


async def test_who_is_to_be_erased_has_no_further_visits_booked(standing: Standing, published: Published) -> None:
    series = await standing.begun()
    await standing.shop.deliver(ErasureRequested(erasure_id=1, version=2, user_id=1007, customer_id=7))
    assert len(await published(ErasurePutOff)) == 1  # there is an unpaid visit
    seen = await standing.look(series, SUPPORT)
    assert (seen["status"], seen["ended_by"], seen["address"]) == ("ended", "customer", "1 Main St")
    await standing.sql("update bookings set status = 'expired', version = 2")
    await standing.shop.deliver(ErasureRequested(erasure_id=1, version=3, user_id=1007, customer_id=7))
    seen = await standing.look(series, SUPPORT)
    assert (seen["address"], seen["zip"], seen["end_reason"]) == ("", "", None)
    await standing.run_when_due(series)
    assert len(await standing.visits(series)) == 1
    assert problem(await standing.ask()) == (403, "customer-gone")


async def test_with_an_account_its_series_end(standing: Standing, published: Published) -> None:
    series, other = await standing.begun(), await standing.begun(customer(8), time="13:00")
    told = {"email": "", "full_name": "", "locale": "en", "timezone": "UTC", "tokens_end_at": now()}
    for _ in range(2):
        await standing.shop.deliver(UserClosed(user_id=1007, version=2, customer_id=7, **told))
    await standing.shop.deliver(UserClosed(user_id=500, version=2, **told))
    assert [(await standing.look(one, SUPPORT))["status"] for one in (series, other)] == ["ended", "active"]
    assert [event.ended_by for event in await published(SeriesEnded)] == ["customer"]


async def test_the_team_sees_it_without_the_address_and_its_leaders_may_end_it(standing: Standing) -> None:
    series = await standing.begun()
    team, owner = member(AFFILIATE, Role.TECHNICIAN), member(AFFILIATE)
    assert (await standing.look(series, team))["address"] is None
    for who in (team, SUPPORT, ADMIN):
        assert problem(await standing.act(series, "end", who, {})) == (403, "not-your-series")
    for who in (owner, SUPPORT):
        assert problem(await standing.act(series, "pause", who)) == (403, "not-your-series")
    assert problem(await standing.act(series, "end", customer(8), {})) == (404, "no-such-series")
    ended = await standing.act(series, "end", owner, {"reason": "We move away."})
    assert (ended.json()["ended_by"], ended.json()["address"]) == ("affiliate", None)
    assert (await standing.visits(series))[week(0)]["booking_status"] == "cancelled"


async def test_the_same_request_begins_one_series_and_what_was_changed_meanwhile_is_not_changed_blindly(
    standing: Standing,
) -> None:
    first, again = [await standing.send("POST", "", customer(7), wanted(), key="k1") for _ in range(2)]
    assert (first.status_code, first.content, first.headers["ETag"]) == (201, again.content, '"1"')
    assert first.headers["Location"] == f"/booking/v1/series/{first.json()['id']}"
    series = first.json()
    assert (await standing.act(series, "pause", version='"1"')).headers["ETag"] == '"2"'
    for verb, body in (("resume", None), ("end", {}), (f"visits/{week(1)}/skip", None), ("change", wanted())):
        assert problem(await standing.act(series, verb, body=body, version='"1"'))[0] == 412


async def test_so_many_series_and_no_more(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.booking.commands.series.MOST_SERIES", 2)
    series, _ = [await standing.begun() for _ in range(2)]
    assert problem(await standing.ask()) == (409, "too-many-series")
    assert (await standing.act(series, "change", body=wanted(first_date=week(3)))).status_code == 201
    ended = await standing.act(series, "end", body={})
    assert ended.json()["status"] == "ended"
    assert problem(await standing.ask()) == (409, "too-many-series")


TUESDAY = (next_monday() + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("more", "status", "name"),
    [
        ({"every_weeks": 0}, 422, "invalid-request"),
        ({"every_weeks": 13}, 422, "invalid-request"),
        ({"every_weeks": True}, 422, "invalid-request"),
        ({"time": "24:00"}, 422, "invalid-request"),
        ({"time": "9:00"}, 422, "invalid-request"),
        ({"last_date": week(-1)}, 422, "invalid-request"),
        ({"last_date": week(400)}, 422, "invalid-request"),
        ({"visits": 0}, 422, "invalid-request"),
        ({"first_date": 5}, 422, "invalid-request"),
        ({"promotion_code": "X"}, 422, "promotion-does-not-apply"),
        ({"more_vehicles": [{"size_class": "boat"}]}, 422, "invalid-request"),
        ({"more_vehicles": [{}] * 10}, 422, "invalid-request"),
        ({"more_vehicles": [{}] * 5}, 409, "slot-not-offered"),
        ({"first_date": "2020-01-06"}, 409, "first-visit-too-soon"),
        ({"first_date": week(60)}, 409, "first-visit-too-soon"),
        ({"first_date": TUESDAY}, 409, "slot-not-offered"),
        ({"time": "07:00"}, 409, "slot-not-offered"),
        ({"time": "09:10"}, 409, "slot-not-offered"),
        ({"tier_id": 999_999}, 404, "no-such-offer"),
        ({"zip": "00000"}, 422, "unknown-zip"),
        ({"zip": "90001"}, 409, "out-of-service-area"),
        ({"add_on_ids": [999]}, 422, "add-on-not-offered"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    standing: Standing, more: dict[str, Any], status: int, name: str
) -> None:
    answer = await standing.ask(**more)
    assert (answer.status_code, problem(answer)[1]) == (status, name), answer.text
    assert (await standing.send("GET", "", customer(7))).json()["items"] == []


async def test_a_visit_takes_so_many_statements(
    standing: Standing, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    """Two looks at the series, the locks, the offer, what became of the visits before, whether this was seen to, the
    hours, the crews, the booking, the visit, the events and the series; the key is in memory by then."""
    series = await standing.begun()
    await standing.pay((await standing.visits(series))[week(0)])
    await standing.sql("update series set due_at = now()")
    with statements() as sent:
        await standing.run(series)
    assert len(await standing.visits(series)) == 2
    assert len(sent) == 19, "\n".join(sent)


async def test_a_series_of_several_vehicles_books_each_visit_for_all_of_them(standing: Standing) -> None:
    await standing.shop.deliver(
        price_list(add_ons=[add_on()], conditions=[{"condition": "dirty", "multiplier_bp": 12_000}])
    )
    second = {"size_class": "suv", "condition": "dirty", "add_on_ids": [ADD_ON], "vehicle": "A Pilot"}
    series = await standing.begun(vehicle="A Golf", more_vehicles=[second])
    [visit] = (await standing.visits(series)).values()
    booking = await standing.shop.look({"id": visit["booking_id"], "customer_id": 7})
    assert series["price_cents"] == visit["price_cents"] == PRICE + PRICE * 12 // 10 + 2_500
    assert [one["size_class"] for one in series["vehicles"]] == ["sedan", "suv"]
    assert (booking["vehicles"], booking["vehicle"]) == (series["vehicles"], "A Golf\nA Pilot")
    lasts = datetime.fromisoformat(booking["appointment_end"]) - datetime.fromisoformat(booking["appointment_start"])
    assert lasts == timedelta(minutes=2 * 120 + 30)


async def test_each_visit_is_one_more_use_of_the_code_and_costs_the_price_list_once_it_is_used_up(
    standing: Standing, published: Published
) -> None:
    await standing.shop.deliver(promotion(percent_bp=1_000, max_uses_per_customer=2))
    series = await standing.begun(promotion_code="spring", price_cents=PRICE - PRICE // 10)
    visits = await standing.all_paid(series, 3)
    assert [visit["price_cents"] for visit in visits.values()][:3] == [PRICE - PRICE // 10] * 2 + [PRICE]
    told = [(one.previous_price_cents, one.price_cents) for one in await published(SeriesVisitBooked)][:3]
    assert told == [(PRICE - PRICE // 10,) * 2] * 2 + [(PRICE - PRICE // 10, PRICE)]


async def test_a_series_that_is_paused_past_its_last_day_ends_by_itself(
    standing: Standing, published: Published
) -> None:
    series = await standing.begun(last_date=week(1))
    await standing.act(series, "pause")
    await standing.run_when_due(series)
    assert (await standing.look(series))["status"] == "paused"
    await standing.sql("update series set first_on = first_on - 70, next_on = next_on - 70, last_on = last_on - 70")
    async with standing.database.begin() as session:
        assert series["id"] in await claim_due(session, limit=10)
    await standing.run(series)
    assert [(one.ended_by, one.status) for one in await published(SeriesEnded)] == [("platform", "ended")]
