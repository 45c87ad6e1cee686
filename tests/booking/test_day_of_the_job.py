"""The day of the job: on the way, begun, done, and nobody at the door."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import clock
from shared.auth import Role
from shared.contracts.booking import BookingCompleted, BookingEnRoute, BookingNoShow, BookingStarted
from shared.terms import CancellationPolicy
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN, customer, member

from .conftest import AFFILIATE, PRICE, Shop, approved, captured, config, monday_at
from .test_life import act

TECHNICIAN = member(AFFILIATE, Role.TECHNICIAN)
PHOTO = "https://photos.example.com/done.jpg"


async def paid(shop: Shop) -> tuple[dict[str, Any], datetime]:
    booking = await shop.held()
    await shop.deliver(captured(booking))
    return booking, datetime.fromisoformat(booking["appointment_start"])


async def test_a_job_goes_its_way_and_each_step_is_told(shop: Shop, published: Published) -> None:
    booking, start = await paid(shop)
    eta = start + timedelta(minutes=5)
    with clock.frozen(start - timedelta(minutes=40)):
        gone = await act(shop, booking, "set-out", TECHNICIAN, json={"eta": eta.isoformat()})
    with clock.frozen(start + timedelta(minutes=6)):
        begun = await act(shop, booking, "start", TECHNICIAN)
    with clock.frozen(start + timedelta(hours=2)):
        done = await act(
            shop, booking, "complete", TECHNICIAN, json={"photo_urls": [PHOTO], "notes": "Scratch on the left door."}
        )
    assert [one.json()["status"] for one in (gone, begun, done)] == ["en_route", "in_progress", "completed"]
    assert [datetime.fromisoformat(gone.json()["eta"]), done.json()["photo_urls"]] == [eta, [PHOTO]]
    told = [e for e in await published() if isinstance(e, BookingEnRoute | BookingStarted | BookingCompleted)]
    assert [(type(e), e.version, e.status) for e in told] == [
        (BookingEnRoute, 3, "en_route"), (BookingStarted, 4, "in_progress"), (BookingCompleted, 5, "completed"),
    ]  # fmt: skip
    assert (told[2].photos, told[2].notes) == (PHOTO, "Scratch on the left door.")


async def test_a_crew_on_its_way_keeps_its_time_and_its_booking_counts_as_live(shop: Shop) -> None:
    booking, start = await paid(shop)
    with clock.frozen(start - timedelta(minutes=40)):
        assert (await act(shop, booking, "set-out", TECHNICIAN, json={})).status_code == 200
    taken = await shop.book(monday_at(9, 30), customer(8))
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/slot-taken")


@pytest.mark.parametrize(("no_show_bp", "refund"), [(10_000, 0), (2_500, PRICE - PRICE // 4), (0, PRICE)])
async def test_who_was_not_there_pays_the_fee_that_was_agreed(
    shop: Shop, published: Published, no_show_bp: int, refund: int
) -> None:
    policy = CancellationPolicy(
        name="kind", free_cancellation_hours=2, late_cancellation_fee_bp=0, no_show_fee_bp=no_show_bp
    )
    await shop.deliver(config(9, cancellation_policies=[policy]))
    await shop.deliver(approved(9, cancellation_policy="kind"))
    booking, start = await paid(shop)
    with clock.frozen(start + timedelta(minutes=10)):
        early = await act(shop, booking, "no-show", TECHNICIAN)
        assert (early.status_code, early.json()["type"]) == (409, "/problems/nobody-missed")
    with clock.frozen(start + timedelta(minutes=20)):
        missed = await act(shop, booking, "no-show", TECHNICIAN)
        again = await act(shop, booking, "no-show", ADMIN)
    assert (missed.json()["status"], missed.json()["refund_cents"]) == ("no_show", refund)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/nobody-missed")
    assert [e.refund_cents for e in await published(BookingNoShow)] == [refund]


async def test_a_late_fee_can_be_an_amount_and_is_never_more_than_the_price(shop: Shop) -> None:
    for version, cents, fee in ((9, 2_000, 2_000), (10, 9_999_999, PRICE)):
        policy = CancellationPolicy(
            name="flat", free_cancellation_hours=2, late_cancellation_fee_bp=0, late_cancellation_fee_cents=cents
        )
        await shop.deliver(config(version, cancellation_policies=[policy]))
        await shop.deliver(approved(version, cancellation_policy="flat"))
        booking = await shop.held()
        assert booking["late_fee_cents"] == fee
        await act(shop, booking, "cancel", customer(7), json={})


async def test_nobody_is_staff_in_a_matter_of_their_own(shop: Shop) -> None:
    from dataclasses import replace

    booking, start = await paid(shop)
    with clock.frozen(start + timedelta(hours=3)):
        own = await act(shop, booking, "cancel", replace(ADMIN, customer_id=7), json={})
        assert (own.status_code, own.json()["type"]) == (409, "/problems/too-late-to-cancel")
        assert (await act(shop, booking, "cancel", ADMIN, json={})).json()["refund_cents"] == PRICE
