"""A booking after it was taken: paid, late, twice, cancelled, expired, done."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.jobs import expire_unpaid
from shared import clock
from shared.auth import Actor, Role
from shared.contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingExpired,
    BookingRefundDue,
)
from shared.db import Database
from shared.ids import new_id
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import SUPPORT, customer, member

from .conftest import AFFILIATE, PRICE, Shop, approved, captured, config, monday_at, published_offer

As = Callable[[Actor], Headers]


async def run_out(session: AsyncSession, booking: dict[str, Any]) -> None:
    await session.execute(
        text("update bookings set hold_expires_at = now() - interval '1 s' where id = :id"), {"id": booking["id"]}
    )


async def act(shop: Shop, booking: dict[str, Any], verb: str, by: Actor, **more: Any) -> httpx.Response:
    path = f"/booking/v1/bookings/{booking['id']}/{verb}"
    return await shop.client.post(path, headers=shop.as_(by) | more.pop("headers", {}), **more)


async def test_paying_confirms_once_however_often_it_is_told(shop: Shop, published: Published) -> None:
    booking = await shop.held()
    event, event_id = captured(booking), new_id()
    await shop.deliver(event, event_id)
    await shop.deliver(event, event_id)
    await shop.deliver(event)
    assert (await shop.look(booking))["status"] == "confirmed"
    assert [e.version for e in await published(BookingConfirmed)] == [2]


async def test_a_payment_within_the_hold_counts_even_before_the_job_has_run(shop: Shop, session: AsyncSession) -> None:
    booking = await shop.held()
    await run_out(session, booking)
    await shop.deliver(captured(booking))
    assert (await shop.look(booking))["status"] == "confirmed"


async def test_an_unpaid_hold_expires_and_its_time_is_free(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    booking = await shop.held()
    await run_out(session, booking)
    await expire_unpaid(session)
    await session.flush()
    assert (await shop.look(booking))["status"] == "expired"
    assert len(await published(BookingExpired)) == 1
    await shop.held(by=customer(8))


async def test_a_hold_that_ran_out_blocks_nobody_although_no_job_has_run(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    first = await shop.held()
    await run_out(session, first)
    second = await shop.held(by=customer(8))
    assert second["status"] == "held"
    assert [e.booking_id for e in await published(BookingExpired)] == [first["id"]]


async def test_paid_too_late_takes_the_slot_again_if_it_is_free(shop: Shop, session: AsyncSession) -> None:
    booking = await shop.held()
    await run_out(session, booking)
    await expire_unpaid(session)
    await session.flush()
    await shop.deliver(captured(booking))
    assert (await shop.look(booking))["status"] == "confirmed"


async def test_paid_too_late_for_a_slot_that_is_gone_is_refunded_in_full(
    shop: Shop, session: AsyncSession, published: Published
) -> None:
    late = await shop.held()
    await run_out(session, late)
    await shop.held(by=customer(8))
    for _ in range(2):
        await shop.deliver(captured(late))
    seen = await shop.look(late)
    assert (seen["status"], seen["refund_cents"], seen["cancelled_by"]) == ("cancelled", PRICE, "platform")
    assert [e.refund_cents for e in await published(BookingCancelled)] == [PRICE]


async def test_money_for_a_booking_cancelled_before_it_was_paid_is_owed_back_once(
    shop: Shop, published: Published
) -> None:
    booking = await shop.held()
    assert (await act(shop, booking, "cancel", customer(7), json={})).status_code == 200
    for _ in range(2):
        await shop.deliver(captured(booking))
    assert [e.refund_cents for e in await published(BookingRefundDue)] == [PRICE]


@pytest.mark.parametrize(
    ("by", "hours_before", "refund"),
    [
        (customer(7), 25, PRICE),
        (customer(7), 23, PRICE - PRICE // 2),
        (member(AFFILIATE), 1, PRICE),
    ],
)
async def test_the_refund_depends_on_who_and_when(shop: Shop, by: Actor, hours_before: int, refund: int) -> None:
    booking = await shop.held()
    await shop.deliver(captured(booking))
    start = datetime.fromisoformat(booking["appointment_start"])
    with clock.frozen(start - timedelta(hours=hours_before)):
        # the token is of now, the command's time is not: only commands ask the clock
        response = await act(shop, booking, "cancel", by, json={"reason": "rain"})
    assert response.status_code == 200, response.text
    assert response.json()["refund_cents"] == refund


async def test_a_cancelled_booking_frees_its_time_and_cannot_be_cancelled_again(shop: Shop) -> None:
    booking = await shop.held()
    assert (await act(shop, booking, "cancel", customer(7), json={})).status_code == 200
    again = await act(shop, booking, "cancel", customer(7), json={})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/too-late-to-cancel")
    await shop.held(by=customer(8))


async def test_a_change_names_the_version_that_it_saw(shop: Shop) -> None:
    booking = await shop.held()
    stale = await act(shop, booking, "cancel", customer(7), json={}, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["version"]) == (412, 1)
    odd = await act(shop, booking, "cancel", customer(7), json={}, headers={"If-Match": "seven"})
    assert odd.status_code == 400
    right = await act(shop, booking, "cancel", customer(7), json={}, headers={"If-Match": '"1"'})
    assert (right.status_code, right.headers["ETag"]) == (200, '"2"')


async def test_the_team_completes_a_confirmed_job_when_it_is_due(shop: Shop, published: Published) -> None:
    booking = await shop.held()
    await shop.deliver(captured(booking))
    early = await act(shop, booking, "complete", member(AFFILIATE), json={})
    assert (early.status_code, early.json()["type"]) == (409, "/problems/not-yet-done")
    with clock.frozen(datetime.fromisoformat(booking["appointment_start"])):
        assert (await act(shop, booking, "complete", customer(7), json={})).status_code == 403
        assert (await act(shop, booking, "complete", member(99), json={})).status_code == 404
        assert (await act(shop, booking, "complete", member(AFFILIATE), json={})).status_code == 200
    assert len(await published(BookingCompleted)) == 1


async def test_copies_take_the_newest_and_ignore_what_comes_late_or_twice(shop: Shop, session: AsyncSession) -> None:
    for version in (5, 5, 3, 4):
        await shop.deliver(config(version, commission_bp=version * 100))
        await shop.deliver(approved(version, name=f"Shine {version}"))
        await shop.deliver(published_offer(version, price_cents=version * 1000))
    found = await session.execute(
        text("select commission_bp, affiliates.name, price_cents from platform_config, affiliates, tiers")
    )
    assert tuple(found.one()) == (500, "Shine 5", 5000)
    assert await session.scalar(text("select count(*) from crews")) == 1


async def test_a_list_shows_ones_own_bookings_page_by_page(shop: Shop) -> None:
    mine = [await shop.held(monday_at(hour)) for hour in (8, 11, 14)]
    headers = shop.as_(customer(7))
    first = (await shop.client.get("/booking/v1/bookings", params={"limit": 2}, headers=headers)).json()
    rest = (await shop.client.get("/booking/v1/bookings", params={"cursor": first["next"]}, headers=headers)).json()
    assert [b["id"] for b in first["items"] + rest["items"]] == [b["id"] for b in reversed(mine)]
    assert rest["next"] is None
    other = (await shop.client.get("/booking/v1/bookings", headers=shop.as_(customer(8)))).json()
    assert other["items"] == []
    for bad in ("x", "bm90IGpzb24", "W10", "WyJ4IiwgInkiXQ"):
        answer = await shop.client.get("/booking/v1/bookings", params={"cursor": bad}, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-cursor")


async def test_the_fresh_database_is_not_shared(fresh_database: Database, shop: Shop) -> None:
    await shop.held()
    async with fresh_database.read() as session:
        assert await session.scalar(text("select count(*) from bookings")) == 0


@pytest.mark.parametrize("role", [Role.OWNER, Role.TECHNICIAN])
async def test_the_team_learns_an_address_when_the_job_is_theirs_and_as_long(
    shop: Shop, session: AsyncSession, role: Role
) -> None:
    async def seen(by: Actor) -> set[str | None]:
        path, headers = "/booking/v1/bookings", shop.as_(by)
        one = await shop.client.get(f"{path}/{booking['id']}", headers=headers)
        [listed] = (await shop.client.get(path, headers=headers)).json()["items"]
        return {one.json()["address"], listed["address"]}

    booking = await shop.held()
    team, address = member(AFFILIATE, role), {booking["address"]}
    assert await seen(team) == {None}
    await shop.deliver(captured(booking))
    assert await seen(team) == address
    cancelled = await act(shop, booking, "cancel", member(AFFILIATE), json={})
    assert (cancelled.json()["address"], await seen(team)) == (None, {None})
    assert await seen(customer(7)) == await seen(SUPPORT) == address
