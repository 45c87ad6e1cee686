"""Another time for an appointment: in one step, by its customer, at the price of the day."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.queries.slots import lock_schedule
from shared import clock
from shared.auth import Actor
from shared.contracts.booking import (
    BookingCancelled,
    BookingChargeDue,
    BookingMoveProposed,
    BookingRefundDue,
    BookingRescheduled,
)
from shared.db import Database
from shared.testing.plugin import Headers, Published, deliver_to, until
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, PRICE, Shop, captured, monday_at, open_shop, published_offer
from .test_free_days import waits_for_a_lock
from .test_life import act, run_out

As = Callable[[Actor], Headers]


async def paid(shop: Shop, at: str | None = None, by: int = 7) -> dict[str, Any]:
    booking = await shop.held(at, by=customer(by))
    await shop.deliver(captured(booking))
    return booking


async def move(shop: Shop, booking: dict[str, Any], to: str, by: Actor | None = None, **more: Any) -> httpx.Response:
    who = by or customer(booking["customer_id"])
    return await act(shop, booking, "reschedule", who, json={"starts_at": to} | more)


def instant(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


async def test_an_appointment_moves_and_its_old_time_is_free(shop: Shop, published: Published) -> None:
    booking = await paid(shop, monday_at(9))
    moved = (await move(shop, booking, monday_at(13))).json()
    assert (moved["status"], instant(moved["appointment_start"])) == ("confirmed", instant(monday_at(13)))
    assert instant(moved["free_until"]) - instant(booking["free_until"]) == timedelta(hours=4)
    [told] = await published(BookingRescheduled)
    assert (told.previous_start, told.version) == (instant(monday_at(9)), 3)
    assert (await shop.book(monday_at(9), customer(8))).status_code == 201
    assert (await shop.book(monday_at(13), customer(9))).json()["type"] == "/problems/slot-taken"


async def test_it_can_move_into_its_own_time_and_not_into_anothers(shop: Shop) -> None:
    booking, other = await paid(shop, monday_at(9)), await paid(shop, monday_at(14), by=8)
    assert (await move(shop, booking, monday_at(9, 30))).status_code == 200
    refused = await move(shop, booking, monday_at(13))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/slot-taken")
    assert (await move(shop, booking, monday_at(7))).json()["type"] == "/problems/slot-not-offered"
    assert (await shop.look(other))["version"] == 2
    assert instant((await shop.look(booking))["appointment_start"]) == instant(monday_at(9, 30))


@pytest.mark.parametrize(("new", "charged", "back"), [(PRICE + 2_000, 2_000, 0), (PRICE - 1_500, 0, 1_500)])
async def test_a_difference_in_price_is_charged_or_goes_back(
    shop: Shop, published: Published, new: int, charged: int, back: int
) -> None:
    booking = await paid(shop)
    await shop.deliver(published_offer(2, price_cents=new))
    unseen = await move(shop, booking, monday_at(13), price_cents=PRICE)
    assert (unseen.status_code, unseen.json()["price_cents"]) == (409, new)
    moved = (await move(shop, booking, monday_at(13), price_cents=new)).json()
    assert (moved["price_cents"], sum(line["amount_cents"] for line in moved["lines"])) == (new, new)
    assert [e.charge_cents for e in await published(BookingChargeDue)] == [charged] * bool(charged)
    assert [e.refund_cents for e in await published(BookingRefundDue)] == [back] * bool(back)
    assert moved["version"] == 4


async def test_what_went_back_at_a_move_does_not_go_back_again(shop: Shop, published: Published) -> None:
    """Moved to a cheaper time, then cancelled: together no more than was paid."""
    booking = await paid(shop)
    await shop.deliver(published_offer(2, price_cents=PRICE - 1_500))
    await move(shop, booking, monday_at(13))
    gone = await act(shop, booking, "cancel", customer(7), json={})
    assert gone.json()["refund_cents"] == PRICE
    told = [e.refund_cents for e in await published() if isinstance(e, BookingRefundDue | BookingCancelled)]
    assert told == [1_500, PRICE - 1_500]


async def test_a_proposed_time_is_at_the_price_that_was_agreed(shop: Shop) -> None:
    booking = await paid(shop)
    await act(shop, booking, "propose", member(AFFILIATE), json={"starts_at": monday_at(14)})
    await shop.deliver(published_offer(2, price_cents=PRICE * 2, duration_minutes=60))
    moved = await move(shop, booking, monday_at(14), price_cents=PRICE)
    assert (moved.status_code, moved.json()["price_cents"]) == (200, PRICE)
    assert instant(moved.json()["appointment_end"]) - instant(monday_at(14)) == timedelta(hours=2)


async def test_who_may_not_move_it_is_told_so_whatever_time_they_name(shop: Shop) -> None:
    booking, _ = await paid(shop, monday_at(9)), await paid(shop, monday_at(13), by=8)
    refused = await move(shop, booking, monday_at(13), member(AFFILIATE))
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-part")


async def test_late_it_moves_only_to_the_time_that_the_affiliate_proposes(shop: Shop, published: Published) -> None:
    booking = await paid(shop)
    owner = member(AFFILIATE)
    with clock.frozen(instant(booking["free_until"]) + timedelta(minutes=1)):
        late = await move(shop, booking, monday_at(13))
        assert (late.status_code, late.json()["type"]) == (409, "/problems/too-late-to-reschedule")
        asked = await act(shop, booking, "propose", owner, json={"starts_at": monday_at(14)})
        assert instant(asked.json()["proposed_start"]) == instant(monday_at(14))
        assert (await move(shop, booking, monday_at(13))).status_code == 409
        await shop.deliver(published_offer(2, price_cents=PRICE * 2))
        moved = (await move(shop, booking, monday_at(14))).json()
    assert (moved["price_cents"], moved["proposed_start"]) == (PRICE, None)
    assert len(await published(BookingMoveProposed)) == 1


async def test_a_time_that_is_not_free_is_not_proposed(shop: Shop) -> None:
    booking, _ = await paid(shop, monday_at(9)), await paid(shop, monday_at(14), by=8)
    asked = await act(shop, booking, "propose", member(AFFILIATE), json={"starts_at": monday_at(14)})
    assert (asked.status_code, asked.json()["type"]) == (409, "/problems/slot-taken")
    assert (await shop.look(booking))["proposed_start"] is None


async def test_a_hold_moves_at_its_price_and_not_once_it_ran_out(shop: Shop, session: AsyncSession) -> None:
    booking = await shop.held(monday_at(9))
    await shop.deliver(published_offer(2, price_cents=PRICE + 5_000))
    moved = (await move(shop, booking, monday_at(13))).json()
    assert (moved["status"], moved["price_cents"]) == ("held", PRICE)
    await run_out(session, booking)
    refused = await move(shop, booking, monday_at(9))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-late-to-reschedule")


async def test_a_move_that_waited_is_judged_by_what_the_booking_is_by_then(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    """Nobody who named no version is told that something has changed meanwhile."""
    shop = await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))
    booking = await paid(shop)
    async with fresh_database.begin() as first:
        await lock_schedule(first, AFFILIATE)
        waits = asyncio.create_task(move(shop, booking, monday_at(13)))
        await until(lambda: waits_for_a_lock(fresh_database))
        await shop.deliver(captured(booking, 500, payment_id=900, purpose="extra"))
    moved = await waits
    assert (moved.status_code, moved.json()["version"]) == (200, 5)


async def test_two_that_change_places_at_once_never_stand_at_one_time(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    """A to B's time and B to A's, with others who want both: nobody gets what another has."""
    shop = await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))
    a, b = await paid(shop, monday_at(9)), await paid(shop, monday_at(13), by=8)
    for _ in range(5):
        answers = await asyncio.gather(
            move(shop, a, monday_at(13)), move(shop, b, monday_at(9)), move(shop, a, monday_at(15)),
            shop.book(monday_at(9), customer(20)), shop.book(monday_at(13), customer(21)),
        )  # fmt: skip
        assert {answer.status_code for answer in answers} <= {200, 201, 409}
    async with fresh_database.read() as session:
        rows = (await session.execute(text("select crew_id, blocked from bookings where status in"
                " ('held', 'confirmed') order by lower(blocked)"))).all()  # fmt: skip
    assert 2 <= len(rows) <= 4
    assert all(one.blocked.upper <= later.blocked.lower for one, later in pairwise(rows))
