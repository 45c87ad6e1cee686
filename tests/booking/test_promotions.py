"""Promotion codes: whom they serve, how often, and what is given back."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.jobs import expire_unpaid
from services.booking.queries import promotions
from shared.auth import Actor
from shared.contracts.booking import BookingCancelled, BookingConfirmed, BookingHeld
from shared.db import Database
from shared.money import share
from shared.testing.plugin import Headers, Published, deliver_to
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, PRICE, TIER, Shop, captured, monday_at, open_shop, price_list, promotion

TENTH = PRICE // 10
HOURS = (8, 11, 14)
UNLOCKED = text("select promotion_id, clock_timestamp() as at from promotions where code = :code")


async def used(shop: Shop, hour: int = 9, by: int = 7, code: str = "SPRING", **more: Any) -> dict[str, Any]:
    answer = await shop.book(monday_at(hour), customer(by), promotion_code=code, **more)
    assert answer.status_code == 201, answer.text
    booking: dict[str, Any] = answer.json()
    return booking


async def why_not(shop: Shop, hour: int = 9, by: int = 7, code: str = "SPRING") -> str:
    answer = await shop.book(monday_at(hour), customer(by), promotion_code=code)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/promotion-does-not-apply"), answer.text
    return str(answer.json()["why"])


async def cancel(shop: Shop, booking: dict[str, Any], by: Actor) -> dict[str, Any]:
    path = f"/booking/v1/bookings/{booking['id']}/cancel"
    cancelled: dict[str, Any] = (await shop.client.post(path, json={}, headers=shop.as_(by))).json()
    return cancelled


async def runs_out(session: AsyncSession, booking: dict[str, Any], *, job: bool = False) -> None:
    sql = "update bookings set hold_expires_at = now() - interval '1 s' where id = :id"
    await session.execute(text(sql), {"id": booking["id"]})
    if job:
        await expire_unpaid(session)
        await session.flush()
    session.expire_all()


async def test_a_code_takes_its_share_off_and_the_booking_remembers_it(shop: Shop, published: Published) -> None:
    await shop.deliver(promotion(percent_bp=1000))
    booking = await used(shop, code="spring", price_cents=PRICE - TENTH)
    line = booking["lines"][-1]
    assert (line["kind"], line["label"], line["amount_cents"]) == ("promotion", "SPRING", -TENTH)
    assert (booking["price_cents"], booking["promotion_id"]) == (PRICE - TENTH, 71)
    [event] = await published(BookingHeld)
    assert (event.promotion_id, event.commission_cents) == (71, share(PRICE - TENTH, 1500))


LONG_AGO, ONE_DAY = datetime(2020, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"active": False}, "not_active"),
        ({"categories": ["interior"]}, "other_category"),
        ({"starts_at": ONE_DAY}, "not_begun"),
        ({"ends_at": LONG_AGO}, "over"),
        ({"max_uses": 0}, "used_up"),
        ({"affiliate_id": 99}, "unknown"),
        ({"code": "WINTER"}, "unknown"),
    ],
)
async def test_one_that_does_not_apply_says_why(
    shop: Shop, published: Published, rules: dict[str, Any], why: str
) -> None:
    await shop.deliver(promotion(percent_bp=1000, **rules))
    assert await why_not(shop) == why
    assert await published(BookingHeld) == []


async def test_the_affiliates_own_code_goes_before_the_platforms(shop: Shop) -> None:
    await shop.deliver(promotion(promotion_id=72, affiliate_id=None, amount_cents=100))
    assert (await used(shop, 8))["promotion_id"] == 72
    await shop.deliver(promotion(promotion_id=70, affiliate_id=99, amount_cents=200))
    assert (await used(shop, 11))["promotion_id"] == 72
    await shop.deliver(promotion(promotion_id=71, amount_cents=300))
    assert (await used(shop, 14))["promotion_id"] == 71


async def test_uses_are_counted_for_all_and_for_each(shop: Shop) -> None:
    await shop.deliver(promotion(amount_cents=500, max_uses=2, max_uses_per_customer=1))
    await shop.deliver(captured(await used(shop, 8)))
    assert await why_not(shop, 11) == "used_by_you"
    await used(shop, 11, by=8)
    assert await why_not(shop, 14, by=9) == "used_up"


@pytest.mark.parametrize("end", ["ran out", "expired", "cancelled", "called off"])
async def test_what_came_to_nothing_gives_its_use_back(shop: Shop, session: AsyncSession, end: str) -> None:
    await shop.deliver(promotion(amount_cents=500, max_uses=1))
    booking = await used(shop, 8)
    if end == "called off":
        await shop.deliver(captured(booking, PRICE - 500))
    if end in ("ran out", "expired"):
        await runs_out(session, booking, job=end == "expired")
    else:
        await cancel(shop, booking, customer(7) if end == "cancelled" else member(AFFILIATE))
    assert (await used(shop, 11, by=8))["promotion_id"] == 71


@pytest.mark.parametrize("job", [False, True])
@pytest.mark.parametrize("limit", ["max_uses", "max_uses_per_customer"])
async def test_paid_too_late_for_a_use_that_went_to_another_all_goes_back(
    shop: Shop, session: AsyncSession, published: Published, job: bool, limit: str
) -> None:
    await shop.deliver(promotion(amount_cents=500, **dict[str, Any]({limit: 1})))
    late = await used(shop, 8)
    await runs_out(session, late, job=job)
    await used(shop, 11, by=8 if limit == "max_uses" else 7)
    for _ in range(2):
        await shop.deliver(captured(late, PRICE - 500))
    assert [e.refund_cents for e in await published(BookingCancelled)] == [PRICE - 500]


async def test_paid_too_late_with_uses_left_it_is_confirmed(shop: Shop, session: AsyncSession) -> None:
    await shop.deliver(promotion(amount_cents=500, max_uses=2))
    late = await used(shop, 8)
    await runs_out(session, late, job=True)
    await used(shop, 11, by=8)
    await shop.deliver(captured(late, PRICE - 500))
    assert (await shop.look(late))["status"] == "confirmed"


async def test_paid_in_time_it_keeps_what_it_was_promised(shop: Shop) -> None:
    await shop.deliver(promotion(amount_cents=500, max_uses=2))
    booking = await used(shop, 8)
    await used(shop, 11, by=8)
    await shop.deliver(promotion(2, amount_cents=500, max_uses=1, active=False))
    await shop.deliver(captured(booking, PRICE - 500))
    assert (await shop.look(booking))["status"] == "confirmed"


async def test_what_costs_nothing_is_confirmed_and_nothing_of_it_goes_back(shop: Shop, published: Published) -> None:
    """Payments counts nothing as paid, at once."""
    await shop.deliver(price_list(tax_ppm=88_750))
    await shop.deliver(promotion(percent_bp=10_000))
    booking = await used(shop, price_cents=0)
    assert [line["amount_cents"] for line in booking["lines"]] == [PRICE, -PRICE]
    assert (booking["late_fee_cents"], booking["tax_cents"]) == (0, 0)
    await shop.deliver(captured(booking, 0))
    assert [e.type for e in (await published())[1:]] == [BookingHeld.type, BookingConfirmed.type]  # after its hours
    assert (await cancel(shop, booking, customer(7)))["refund_cents"] == 0


async def test_a_code_takes_two_statements(
    shop: Shop, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await shop.deliver(promotion(amount_cents=500, max_uses=5))
    await shop.held(monday_at(8))
    with statements() as sent:
        await used(shop, 14)
    assert len(sent) == 5 + 2, "\n".join(sent)


MORE_AFFILIATES = """
insert into affiliates (affiliate_id, version, name, application_status, timezone)
     select affiliate_id + n, version, name, application_status, timezone from affiliates, generate_series(1, 10) as n;
insert into tiers (tier_id, version, service_id, affiliate_id, service_name, tier_name, price_cents, duration_minutes,
                   active)
     select tier_id + n, version, service_id, affiliate_id + n, service_name, tier_name, price_cents, duration_minutes,
            active from tiers, generate_series(1, 10) as n;
insert into crews (affiliate_id, name) select affiliate_id + n, name from crews, generate_series(1, 10) as n;
insert into availability (affiliate_id, weekday, opens_minute, closes_minute)
     select affiliate_id + n, weekday, opens_minute, closes_minute from availability, generate_series(1, 10) as n"""


@pytest_asyncio.fixture
async def fresh_shop(
    fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database
) -> Shop:
    """With ten more like it, so that the affiliate's lock keeps nobody from the code."""
    shop = await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))
    async with fresh_database.begin() as session:
        for statement in MORE_AFFILIATES.split(";"):
            await session.execute(text(statement))
    return shop


async def race(shop: Shop, customers: list[int]) -> Counter[str]:
    """All with the code at once, at the ten affiliates: how often each was answered what."""

    async def one(by: int, tier_id: int, hour: int) -> str:
        answer = await shop.book(monday_at(hour), customer(by), promotion_code="SPRING", tier_id=tier_id)
        return str(answer.json().get("why") or answer.json().get("type") or answer.status_code)

    asked = (one(by, TIER + 1 + n % 10, HOURS[n // 10]) for n, by in enumerate(customers))
    return Counter(await asyncio.gather(*asked))


async def bookings(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(text("select count(*) from bookings")) or 0


async def test_of_twenty_customers_one_gets_the_last_use(fresh_shop: Shop, fresh_database: Database) -> None:
    await fresh_shop.deliver(promotion(affiliate_id=None, amount_cents=500, max_uses=1))
    assert await race(fresh_shop, list(range(1000, 1020))) == {"201": 1, "used_up": 19}
    assert await bookings(fresh_database) == 1


async def test_one_customer_uses_it_once_however_often_they_ask(fresh_shop: Shop) -> None:
    await fresh_shop.deliver(promotion(affiliate_id=None, amount_cents=500, max_uses_per_customer=1))
    assert await race(fresh_shop, [1000] * 10) == {"201": 1, "used_by_you": 9}


async def test_negative_control_without_the_lock_several_get_it(
    fresh_shop: Shop, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotions, "LOCK_PROMOTION", UNLOCKED)
    await fresh_shop.deliver(promotion(affiliate_id=None, amount_cents=500, max_uses=1))
    await race(fresh_shop, list(range(1000, 1020)))
    assert await bookings(fresh_database) > 1
