"""What is added at the door: offered by the crew, agreed to by the customer, charged on top."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import clock
from shared.auth import Role
from shared.contracts.booking import (
    BookingChargeDue,
    BookingCompleted,
    BookingExtrasAgreed,
    BookingExtrasDropped,
    BookingExtrasOffered,
)
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN, customer, member

from .conftest import AFFILIATE, PRICE, Shop, captured, monday_at, price_list
from .test_life import act

TECHNICIAN, ADA = member(AFFILIATE, Role.TECHNICIAN), customer(7)
PETS = {"lines": [{"label": "Pet hair", "amount_cents": 2_500}], "minutes": 30}
TAX = 222  # 8.875 % of that


async def offered(shop: Shop, extras: dict[str, Any] = PETS) -> tuple[dict[str, Any], datetime]:
    """A booking that is paid, from 9 to 11, with extras that wait for an answer."""
    await shop.deliver(price_list(tax_ppm=88_750))
    booking = await shop.held()
    await shop.deliver(captured(booking, booking["price_cents"]))
    start = datetime.fromisoformat(booking["appointment_start"])
    with clock.frozen(start):
        found = await act(shop, booking, "extras", TECHNICIAN, json=extras)
    assert found.status_code == 200, found.text
    shown: dict[str, Any] = found.json()
    return shown, start


async def test_extras_that_are_agreed_to_are_in_the_price_and_charged_on_top(shop: Shop, published: Published) -> None:
    booking, start = await offered(shop)
    assert [(line["label"], line["amount_cents"]) for line in booking["extras"]] == [
        ("Pet hair", 2_500), ("Tax 8.875 %", TAX),
    ]  # fmt: skip
    before, total = booking["price_cents"], booking["price_cents"] + 2_500 + TAX
    with clock.frozen(start + timedelta(minutes=5)):
        agreed = (await act(shop, booking, "extras/agree", ADA, json={"price_cents": total})).json()
    assert (agreed["price_cents"], sum(line["amount_cents"] for line in agreed["lines"])) == (total, total)
    assert agreed["tax_cents"] == booking["tax_cents"] + TAX
    assert (agreed["extras"], agreed["extra_minutes"]) == ([], 0)
    assert datetime.fromisoformat(agreed["appointment_end"]) - start == timedelta(minutes=150)
    [due] = await published(BookingChargeDue)
    assert (due.charge_cents, due.charge_for, due.price_cents) == (total - before, "extras", total)
    assert due.commission_cents == (PRICE + 2_500) * 15 // 100
    assert [len(await published(kind)) for kind in (BookingExtrasOffered, BookingExtrasAgreed)] == [1, 1]


async def test_only_what_the_customer_saw_is_agreed_to(shop: Shop, published: Published) -> None:
    booking, start = await offered(shop)
    total = booking["price_cents"] + 2_500 + TAX
    with clock.frozen(start):
        dearer = {"lines": [{"label": "Pet hair", "amount_cents": 9_900}]}
        assert (await act(shop, booking, "extras", TECHNICIAN, json=dearer)).json()["extra_minutes"] == 0
        refused = await act(shop, booking, "extras/agree", ADA, json={"price_cents": total})
        for by in (TECHNICIAN, ADMIN):
            assert (await act(shop, booking, "extras/agree", by, json={"price_cents": total})).status_code == 403
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-extras-offered")
    assert refused.json()["price_cents"] == booking["price_cents"] + 9_900 + 879
    assert not await published(BookingChargeDue)


@pytest.mark.parametrize("by", [ADA, TECHNICIAN])
async def test_either_side_leaves_it_at_what_was_booked(shop: Shop, published: Published, by: Any) -> None:
    booking, start = await offered(shop)
    with clock.frozen(start):
        dropped = (await act(shop, booking, "extras/drop", by)).json()
        again = await act(shop, booking, "extras/drop", by)
        late = await act(shop, booking, "extras/agree", ADA, json={"price_cents": booking["price_cents"]})
    assert (dropped["extras"], dropped["price_cents"]) == ([], booking["price_cents"])
    assert [(one.status_code, one.json()["type"]) for one in (again, late)] == [
        (409, "/problems/no-extras-offered")
    ] * 2
    assert len(await published(BookingExtrasDropped)) == 1


async def test_a_crew_that_has_to_be_elsewhere_has_no_time_for_extras(shop: Shop) -> None:
    booking = await shop.held()
    await shop.deliver(captured(booking))
    await shop.held(monday_at(11, 30), customer(8))
    start = datetime.fromisoformat(booking["appointment_start"])
    with clock.frozen(start):
        refused = await act(shop, booking, "extras", TECHNICIAN, json=PETS)
        quick = await act(shop, booking, "extras", TECHNICIAN, json=PETS | {"minutes": 0})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-time-for-extras")
    assert quick.status_code == 200


async def test_who_takes_the_time_meanwhile_has_it(shop: Shop) -> None:
    """The crew was free when they were offered; somebody has booked it since."""
    booking, start = await offered(shop)
    await shop.held(monday_at(11, 30), customer(8))
    with clock.frozen(start):
        total = booking["price_cents"] + 2_500 + TAX
        refused = await act(shop, booking, "extras/agree", ADA, json={"price_cents": total})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-time-for-extras")
    assert (await shop.look(booking))["price_cents"] == booking["price_cents"]


async def test_they_keep_the_crew_as_long_as_they_take(shop: Shop) -> None:
    booking, start = await offered(shop)
    with clock.frozen(start):
        await act(shop, booking, "extras/agree", ADA, json={"price_cents": booking["price_cents"] + 2_500 + TAX})
    taken = await shop.book(monday_at(11, 30), customer(8))
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/slot-taken")
    assert (await shop.book(monday_at(12), customer(8))).status_code == 201


@pytest.mark.parametrize(
    ("lines", "minutes", "code"),
    [
        ([("Sticker", 10)], 0, "extras-too-low"),
        ([("Gold paint", 99_999_999)], 0, "price-too-high"),
        ([], 0, "invalid-request"),
        ([("Pet hair", 0)], 0, "invalid-request"),
        ([("Pet hair", 2_500)], 481, "invalid-request"),
    ],
)
async def test_what_cannot_be_offered_is_refused(
    shop: Shop, lines: list[tuple[str, int]], minutes: int, code: str
) -> None:
    booking = await shop.held()
    await shop.deliver(captured(booking))
    told = {"lines": [{"label": label, "amount_cents": cents} for label, cents in lines], "minutes": minutes}
    with clock.frozen(datetime.fromisoformat(booking["appointment_start"])):
        refused = await act(shop, booking, "extras", TECHNICIAN, json=told)
    assert (refused.status_code, refused.json()["type"]) == (422, f"/problems/{code}")


async def test_what_nobody_answered_is_gone_when_the_job_is_done(shop: Shop, published: Published) -> None:
    booking, start = await offered(shop)
    with clock.frozen(start + timedelta(hours=1)):
        done = (await act(shop, booking, "complete", TECHNICIAN, json={})).json()
        late = await act(shop, booking, "extras/agree", ADA, json={"price_cents": booking["price_cents"] + 2_722})
    assert (done["extras"], done["price_cents"]) == ([], booking["price_cents"])
    assert (late.status_code, late.json()["type"]) == (409, "/problems/nothing-to-add")
    assert [event.extras for event in await published(BookingCompleted)] == [[]]


async def test_too_soon_nothing_is_offered(shop: Shop) -> None:
    booking = await shop.held()
    await shop.deliver(captured(booking))
    refused = await act(shop, booking, "extras", TECHNICIAN, json=PETS)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/nothing-to-add")
