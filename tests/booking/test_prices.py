"""What a booking costs and how long it takes: by the affiliate's price list, as it is at that moment."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingHeld
from shared.pricing import ConditionMultiplier, SizeMultiplier, SizePrice, TravelBand
from shared.testing.plugin import Published
from shared.testing.tokens import customer
from shared.vehicles import Condition, SizeClass

from .conftest import ADD_ON, PRICE, TIER, Shop, add_on, monday_at, next_monday, price_list, published_offer

WAX, OZONE, GONE = ADD_ON, 82, 83
RULES: dict[str, Any] = {
    "sizes": [
        SizeMultiplier(size_class=SizeClass.SEDAN, multiplier_bp=10_000),
        SizeMultiplier(size_class=SizeClass.SUV, multiplier_bp=12_500),
    ],
    "conditions": [ConditionMultiplier(condition=Condition.DIRTY, multiplier_bp=11_000)],
    "travel_bands": [TravelBand(up_to_m=2_000, fee_cents=0), TravelBand(up_to_m=20_000, fee_cents=1_500)],
    "add_ons": [
        add_on(categories=["full"]),
        add_on(add_on_id=OZONE, name="Ozone", categories=["interior"]),
        add_on(add_on_id=GONE, name="Old", active=False),
    ],
    "tax_ppm": 88_750,
}
FAR = "10001"  # some kilometres from the shop, which 11201 is not
WANTED: dict[str, Any] = {"size_class": "suv", "condition": "dirty", "add_on_ids": [WAX], "zip": FAR}
LINES = [
    ("service", "Gold", 18_900),
    ("size", "Vehicle size: suv", 4_725),
    ("condition", "Condition: dirty", 2_363),
    ("add_on", "Wax", 2_500),
    ("travel", "Travel", 1_500),
    ("tax", "Tax 8.875 %", 2_661),
]
TOTAL, SERVICES = 32_649, 28_488


@pytest_asyncio.fixture
async def listed(shop: Shop) -> Shop:
    """The shop with a price list."""
    await shop.deliver(price_list(**RULES))
    return shop


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def lines_of(shown: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(line["kind"], line["label"], line["amount_cents"]) for line in shown["lines"]]


async def test_a_booking_says_what_its_price_is_made_of(listed: Shop, published: Published) -> None:
    booking = (await listed.book(monday_at(9), price_cents=TOTAL, **WANTED)).json()
    assert lines_of(booking) == LINES
    assert (booking["price_cents"], booking["tax_cents"], booking["late_fee_cents"]) == (TOTAL, 2_661, 16_325)
    assert (booking["size_class"], booking["condition"], booking["promotion_id"]) == ("suv", "dirty", None)
    [event] = await published(BookingHeld)
    assert [line.model_dump(mode="json") for line in event.lines] == booking["lines"]
    assert (event.price_cents, event.tax_cents, event.size_class) == (TOTAL, 2_661, SizeClass.SUV)
    assert event.commission_cents == SERVICES * 15 // 100
    assert (await listed.look(booking))["lines"] == booking["lines"]


async def test_without_a_price_list_it_is_the_tiers_price_for_whatever_comes(shop: Shop) -> None:
    booking = (await shop.book(monday_at(9), size_class="rv", condition="very_dirty", zip=FAR)).json()
    assert lines_of(booking) == [("service", "Gold", PRICE)]


async def test_a_tiers_own_price_for_a_size_goes_before_the_multiplier(listed: Shop) -> None:
    own = SizePrice(size_class=SizeClass.SUV, price_cents=20_000)
    await listed.deliver(published_offer(2, size_prices=[own]))
    booking = (await listed.book(monday_at(9), size_class="suv")).json()
    assert lines_of(booking) == [("service", "Gold", 20_000), ("tax", "Tax 8.875 %", 1_775)]


async def test_an_affiliate_whose_base_is_not_known_asks_no_travel_fee(listed: Shop, session: AsyncSession) -> None:
    await session.execute(text("update affiliates set latitude = null, longitude = null"))
    booking = (await listed.book(monday_at(9), zip=FAR)).json()
    assert "travel" not in {line["kind"] for line in booking["lines"]}


@pytest.mark.parametrize(
    ("wanted", "refusal", "facts"),
    [
        ({"size_class": "rv"}, "size-not-served", {"size_class": "rv"}),
        ({"add_on_ids": [OZONE]}, "add-on-not-offered", {"add_on_id": OZONE}),
        ({"add_on_ids": [WAX, GONE]}, "add-on-not-offered", {"add_on_id": GONE}),
        ({"add_on_ids": [999]}, "add-on-not-offered", {"add_on_id": 999}),
    ],
)
async def test_what_cannot_be_had_is_refused_by_name(
    listed: Shop, published: Published, wanted: dict[str, Any], refusal: str, facts: dict[str, Any]
) -> None:
    answer = await listed.book(monday_at(9), **wanted)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{refusal}")
    assert answer.json() | facts == answer.json()
    assert await published(BookingHeld) == []


async def test_prices_that_changed_since_they_were_seen_are_shown_and_nothing_is_held(
    listed: Shop, published: Published
) -> None:
    await listed.deliver(price_list(2, **RULES | {"tax_ppm": 0}))
    refused = await listed.book(monday_at(9), price_cents=TOTAL, **WANTED)
    told = refused.json()
    assert (refused.status_code, told["type"], told["price_cents"]) == (409, "/problems/price-changed", TOTAL - 2_661)
    assert lines_of(told) == LINES[:-1]
    assert await published(BookingHeld) == []
    assert (await listed.book(monday_at(9), price_cents=told["price_cents"], **WANTED)).status_code == 201


async def test_a_booking_that_stands_keeps_its_price(listed: Shop) -> None:
    booking = (await listed.book(monday_at(9), **WANTED)).json()
    await listed.deliver(price_list(2, minimum_cents=90_000))
    assert (await listed.look(booking))["price_cents"] == TOTAL


async def test_an_add_on_takes_its_time(listed: Shop) -> None:
    booking = (await listed.book(monday_at(9), add_on_ids=[WAX])).json()
    assert moment(booking["appointment_end"]) == moment(monday_at(11, 30))
    # and half an hour to the next one
    assert (await listed.book(monday_at(11, 30), customer(8))).json()["type"] == "/problems/slot-taken"
    assert (await listed.book(monday_at(12), customer(8))).status_code == 201


async def test_what_is_shown_for_add_ons_is_what_can_be_booked_with_them(listed: Shop) -> None:
    await listed.held(monday_at(12))
    monday = next_monday()
    shown = (await listed.slots(monday, monday, add_on_ids=[WAX]))[monday.isoformat()]
    taken = []
    for number, start in enumerate(monday_at(8 + n // 2, n % 2 * 30) for n in range(20)):
        answer = await listed.book(start, customer(100 + number), add_on_ids=[WAX])
        if answer.status_code == 201:
            taken.append(moment(start))
            path = f"/booking/v1/bookings/{answer.json()['id']}/cancel"
            await listed.client.post(path, json={}, headers=listed.as_(customer(100 + number)))
    assert taken == [moment(start) for start in shown]
    assert len(shown) < len((await listed.slots(monday, monday))[monday.isoformat()])


@pytest.mark.parametrize("ids", [["x"], ["0"], ["-1"], [str(2**63)], ["\u0661"], ["81"] * 21, ["999"], ["82"]])
async def test_absurd_add_ons_are_refused(listed: Shop, ids: list[str]) -> None:
    day = next_monday().isoformat()
    params: dict[str, Any] = {"tier_id": TIER, "from": day, "to": day, "add_on_ids": ids}
    assert (await listed.client.get("/booking/v1/slots", params=params)).status_code == 422


async def test_a_price_list_takes_no_statement(
    listed: Shop, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await listed.book(monday_at(9), **WANTED)  # now the customer's key is at hand
    with statements() as sent:
        await listed.book(monday_at(14), **WANTED)
    assert len(sent) == 5, "\n".join(sent)
    with statements() as sent:
        await listed.slots(next_monday(), next_monday(), add_on_ids=[WAX])
    assert len(sent) == 2, "\n".join(sent)


async def test_several_vehicles_are_one_appointment_one_after_the_other(listed: Shop, published: Published) -> None:
    """Each at its own price; minimum, travel and tax once for all."""
    second: dict[str, Any] = {"size_class": "sedan", "add_on_ids": [WAX], "vehicle": "The red one"}
    booking = (await listed.book(monday_at(9), **WANTED, vehicle="A white Golf", more_vehicles=[second])).json()
    assert [(line["kind"], line["vehicle"], line["amount_cents"]) for line in booking["lines"]] == [
        ("service", 1, 18_900), ("size", 1, 4_725), ("condition", 1, 2_363), ("add_on", 1, 2_500),
        ("service", 2, 18_900), ("add_on", 2, 2_500), ("travel", None, 1_500), ("tax", None, 4_561),
    ]  # fmt: skip
    assert moment(booking["appointment_end"]) - moment(booking["appointment_start"]) == timedelta(minutes=2 * 150)
    assert [(one["size_class"], one["condition"], one["add_on_ids"]) for one in booking["vehicles"]] == [
        ("suv", "dirty", [WAX]), ("sedan", "normal", [WAX]),
    ]  # fmt: skip
    assert booking["vehicle"] == "A white Golf\nThe red one"
    [event] = await published(BookingHeld)
    assert (event.vehicle, len(event.vehicles)) == (booking["vehicle"], 2)


async def test_slots_for_several_vehicles_are_as_long_as_all_of_them_take(listed: Shop) -> None:
    day = next_monday().isoformat()
    asked: dict[str, Any] = {
        "tier_id": TIER,
        "from": day,
        "to": day,
        "add_on_ids": [WAX, WAX],
        "vehicles": 2,
        "size_class": "suv",
    }
    shown = (await listed.client.get("/booking/v1/slots", params=asked)).json()
    slots = shown["days"][0]["slots"]
    assert {moment(slot["ends_at"]) - moment(slot["starts_at"]) for slot in slots} == {timedelta(minutes=2 * 150)}
    wanted: dict[str, Any] = {
        "size_class": "suv",
        "add_on_ids": [WAX],
        "more_vehicles": [{"size_class": "suv", "add_on_ids": [WAX]}],
    }
    booking = (await listed.book(slots[-1]["starts_at"], **wanted)).json()
    assert booking["price_cents"] == shown["price_cents"]


async def test_too_many_vehicles_are_refused(listed: Shop) -> None:
    refused = await listed.book(monday_at(9), more_vehicles=[{}] * 10)
    assert refused.status_code == 422
    day = next_monday().isoformat()
    asked: dict[str, Any] = {"tier_id": TIER, "from": day, "to": day, "vehicles": 11}
    assert (await listed.client.get("/booking/v1/slots", params=asked)).status_code == 422
