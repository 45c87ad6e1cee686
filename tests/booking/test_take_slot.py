"""Taking a slot, over HTTP, on a real database."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.booking import Booking
from shared.auth import Actor
from shared.contracts.booking import BookingHeld
from shared.terms import CancellationPolicy, CommissionRate
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import ADMIN, customer, member

from .conftest import AFFILIATE, PRICE, Shop, approved, config, monday_at, next_monday, published_offer


async def test_a_slot_is_held_with_price_and_policy_of_the_moment(shop: Shop, published: Published) -> None:
    booking = await shop.held(monday_at(9))
    assert booking["status"] == "held"
    assert booking["price_cents"] == PRICE
    assert booking["late_fee_cents"] == PRICE // 2
    (event,) = await published(BookingHeld)
    assert event.booking_id == booking["id"]
    assert event.commission_cents == 2835
    assert event.version == 1


async def test_a_held_slot_is_no_longer_offered_nor_sold(shop: Shop) -> None:
    monday = next_monday()
    before = (await shop.slots(monday, monday))[monday.isoformat()]
    await shop.held(monday_at(9))
    after = (await shop.slots(monday, monday))[monday.isoformat()]
    # 9:00 to 11:00 and half an hour to the next: nothing may begin from 8:00 to 11:00.
    assert len(before) == 17
    assert len(after) == 17 - 7
    refused = await shop.book(monday_at(10), customer(8))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/slot-taken")


async def test_each_offered_slot_can_be_booked(shop: Shop) -> None:
    monday = next_monday()
    for number, start in enumerate((await shop.slots(monday, monday))[monday.isoformat()][::5]):
        assert (await shop.book(start, customer(100 + number))).status_code == 201


async def test_times_that_are_not_offered_are_refused_by_name(shop: Shop) -> None:
    for start in (monday_at(7), monday_at(16, 30), monday_at(9, 10), "2020-01-06T14:00:00Z", "2199-01-07T14:00:00Z"):
        response = await shop.book(start)
        assert (response.status_code, response.json()["type"]) == (409, "/problems/slot-not-offered"), start


async def test_a_price_that_changed_since_it_was_seen_is_refused_with_the_new_one(shop: Shop) -> None:
    await shop.deliver(published_offer(2, price_cents=20_000))
    response = await shop.book(monday_at(9), price_cents=PRICE)
    assert response.status_code == 409
    assert response.json()["type"] == "/problems/price-changed"
    assert response.json()["price_cents"] == 20_000


async def test_a_customer_holds_three_at_most(shop: Shop) -> None:
    for hour in (8, 11, 14):
        await shop.held(monday_at(hour))
    response = await shop.book(monday_at(16))
    assert response.json()["type"] == "/problems/too-many-holds"


async def test_how_many_is_the_platforms_to_say(shop: Shop) -> None:
    await shop.deliver(config(2, max_open_holds=1))
    await shop.held(monday_at(8))
    refused = (await shop.book(monday_at(11))).json()
    assert (refused["type"], refused["most"]) == ("/problems/too-many-holds", 1)


async def test_nothing_is_booked_while_bookings_are_switched_off(shop: Shop) -> None:
    await shop.deliver(config(2, features={"bookings": False, "reviews": True}))
    refused = await shop.book(monday_at(9))
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/switched-off")
    await shop.deliver(config(3, features={"reviews": False}))
    await shop.held(monday_at(9))


@pytest.mark.parametrize(
    ("chosen", "free_hours", "fee_cents"),
    [("flexible", 2, PRICE // 10), ("given_up", 24, PRICE // 2), (None, 24, PRICE // 2)],
)
async def test_a_booking_has_its_affiliates_policy_and_commission_for_good(
    shop: Shop, session: AsyncSession, chosen: str | None, free_hours: int, fee_cents: int
) -> None:
    rates = [
        CommissionRate(category="full", commission_bp=1000),
        CommissionRate(affiliate_tier="gold", commission_bp=1),
    ]
    flexible = CancellationPolicy(name="flexible", free_cancellation_hours=2, late_cancellation_fee_bp=1000)
    await shop.deliver(config(2, commission_rates=rates, cancellation_policies=[flexible]))
    await shop.deliver(approved(3, cancellation_policy=chosen, affiliate_tier="gold"))
    booking = await shop.held(monday_at(14))
    await shop.deliver(config(3))
    seen = await shop.look(booking)
    start, free_until = (datetime.fromisoformat(seen[name]) for name in ("appointment_start", "free_until"))
    assert (start - free_until, seen["late_fee_cents"]) == (timedelta(hours=free_hours), fee_cents)
    assert await session.scalar(select(Booking.commission_cents)) == PRICE // 10


async def test_an_offer_withdrawn_cannot_be_booked(shop: Shop) -> None:
    await shop.deliver(published_offer(2, active=False))
    assert (await shop.book(monday_at(9))).json()["type"] == "/problems/not-bookable"


async def test_the_same_key_gives_the_same_bytes_and_one_booking(
    shop: Shop, client: httpx.AsyncClient, as_: Callable[[Actor], Headers], published: Published
) -> None:
    body = {"tier_id": 51, "starts_at": monday_at(9), "address": "1 Main St", "zip": "11201"}
    headers = as_(customer(7)) | {"Idempotency-Key": "k1"}
    first = await client.post("/booking/v1/bookings", json=body, headers=headers)
    second = await client.post("/booking/v1/bookings", json=body, headers=headers)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Location"] == second.headers["Location"]
    assert len(await published(BookingHeld)) == 1
    other = await client.post("/booking/v1/bookings", json=body | {"address": "2 Main St"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    stranger = await client.post(
        "/booking/v1/bookings", json=body, headers=as_(customer(9)) | {"Idempotency-Key": "k1"}
    )
    assert stranger.json()["type"] == "/problems/slot-taken"


async def test_a_booking_takes_seven_statements_and_one_more_for_a_key_that_is_not_at_hand(
    shop: Shop,
    client: httpx.AsyncClient,
    as_: Callable[[Actor], Headers],
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    for hour, most in ((9, 8), (13, 7)):
        body = {"tier_id": 51, "starts_at": monday_at(hour), "address": "1 Main St", "zip": "11201"}
        with statements() as sent:
            response = await client.post(
                "/booking/v1/bookings", json=body, headers=as_(customer(7)) | {"Idempotency-Key": f"k{hour}"}
            )
        assert response.status_code == 201
        assert len(sent) <= most, "\n".join(sent)


async def test_slots_take_two_statements_whatever_the_range(
    shop: Shop, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    from datetime import timedelta

    with statements() as sent:
        await shop.slots(next_monday(), next_monday() + timedelta(days=30))
    assert len(sent) == 2, "\n".join(sent)


async def test_only_those_concerned_see_a_booking(
    shop: Shop, client: httpx.AsyncClient, as_: Callable[[Actor], Headers]
) -> None:
    booking = await shop.held()
    path = f"/booking/v1/bookings/{booking['id']}"
    for actor, status in (
        (customer(7), 200),
        (member(AFFILIATE), 200),
        (ADMIN, 200),
        (customer(8), 404),
        (member(99), 404),
    ):
        assert (await client.get(path, headers=as_(actor))).status_code == status
    assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize(
    ("zip", "status", "refusal"),
    [
        ("10001", 201, None),  # Manhattan, 7 km from the shop in Brooklyn
        ("02108", 409, "out-of-service-area"),  # Boston
        ("99950", 409, "out-of-service-area"),  # Alaska
        ("00000", 422, "unknown-zip"),
    ],
)
async def test_nobody_books_a_van_that_does_not_come(shop: Shop, zip: str, status: int, refusal: str | None) -> None:
    answer = await shop.book(monday_at(9), zip=zip)
    assert (answer.status_code, answer.json().get("type")) == (status, refusal and f"/problems/{refusal}")


async def test_an_area_that_is_not_known_yet_keeps_nobody_out(shop: Shop, session: AsyncSession) -> None:
    await session.execute(text("update affiliates set latitude = null, longitude = null, service_radius_m = null"))
    assert (await shop.book(monday_at(9), zip="02108")).status_code == 201
