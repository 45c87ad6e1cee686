"""Money and people that come at odd times: after the appointment began, after it is over, when nothing was to pay."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.availability import Crew
from services.booking.domain.booking import Booking
from services.booking.domain.offer import Affiliate, Offer, Tier, Visit
from services.booking.domain.slots import Slot
from shared import clock
from shared.consumers import copy_config
from shared.contracts.booking import BookingCancelled, BookingConfirmed, BookingRefundDue
from shared.contracts.catalog import ConfigChanged
from shared.platform_config import PlatformConfig, copied
from shared.pricing import Job, Wanted
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN, SUPPORT, customer, member
from shared.vehicles import SizeClass

from .conftest import AFFILIATE, PRICE, ZONE, Shop, captured, config, published_offer
from .test_life import act


class ConfigToCome(ConfigChanged):
    """A later release's: within a version optional fields are added."""

    surcharge_bp: int = 0


def start_of(booking: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(booking["appointment_start"])


@pytest.mark.parametrize("job_has_run", [False, True], ids=["the hold still stands", "the hold was ended"])
async def test_money_that_comes_when_the_appointment_should_have_begun_goes_back(
    shop: Shop, session: AsyncSession, published: Published, job_has_run: bool
) -> None:
    booking = await shop.held()
    if job_has_run:
        await session.execute(text("update bookings set status = 'expired', version = 2"))
    with clock.frozen(start_of(booking)):
        for _ in range(2):
            await shop.deliver(captured(booking))
    seen = await shop.look(booking)
    assert (seen["status"], seen["refund_cents"], seen["cancelled_by"]) == ("cancelled", PRICE, "platform")
    assert [e.refund_cents for e in await published(BookingCancelled)] == [PRICE]
    assert await published(BookingConfirmed) == []


@pytest.mark.parametrize(("begins_in", "held_for"), [(60, 30), (30, 30), (5, 5)])
def test_a_hold_ends_when_its_appointment_would_begin(begins_in: int, held_for: int) -> None:
    at = datetime(2026, 5, 4, tzinfo=UTC)
    tier = Tier(**published_offer().tiers[0].model_dump(exclude={"name", "size_prices"}), service_id=1, affiliate_id=1,
                service_name="Full", tier_name="Gold")  # fmt: skip
    affiliate = Affiliate(affiliate_id=1, version=1, name="Shine", application_status="approved", timezone=ZONE)
    offer = Offer(tier, affiliate, PlatformConfig(**copied(config(hold_minutes=30))), None, at)
    start = at + timedelta(minutes=begins_in)
    crew = Crew(affiliate_id=1, name="Crew 1")
    crew.id = 1
    sale = offer.sell(Job(vehicles=[Wanted(size_class=SizeClass.SEDAN)]), None)
    slot = Slot(start, start + timedelta(hours=2), crew)
    hold = Booking.hold(7, offer, slot, sale, Visit(start, "1 Main St", "11201"))
    assert hold.hold_expires_at == at + timedelta(minutes=held_for)


async def test_a_job_that_nobody_came_for_is_called_off_by_an_administrator_and_all_goes_back(shop: Shop) -> None:
    booking = await shop.held()
    await shop.deliver(captured(booking))
    with clock.frozen(start_of(booking) + timedelta(days=1)):
        for who in (customer(7), member(AFFILIATE)):
            late = await act(shop, booking, "cancel", who, json={})
            assert (late.status_code, late.json()["type"]) == (409, "/problems/too-late-to-cancel")
        done = await act(shop, booking, "cancel", ADMIN, json={"reason": "nobody came"})
    assert (done.status_code, done.json()["refund_cents"], done.json()["cancelled_by"]) == (200, PRICE, "staff")


async def test_support_sees_a_booking_and_moves_no_money(shop: Shop) -> None:
    booking = await shop.held()
    await shop.deliver(captured(booking))
    for verb in ("cancel", "complete"):
        assert (await act(shop, booking, verb, SUPPORT, json={})).status_code in (403, 422)
    assert (await shop.look(booking))["status"] == "confirmed"


async def test_of_nothing_paid_for_a_booking_that_was_cancelled_nothing_goes_back(
    shop: Shop, published: Published
) -> None:
    booking = await shop.held()
    await act(shop, booking, "cancel", customer(7), json={})
    for _ in range(2):
        await shop.deliver(captured(booking, amount_cents=0))
    assert await published(BookingRefundDue) == []


async def test_a_configuration_with_more_in_it_than_booking_knows_is_taken(shop: Shop, session: AsyncSession) -> None:
    await copy_config(ConfigToCome(**config(9).model_dump(), surcharge_bp=2000), session)
    assert await session.scalar(text("select version from platform_config")) == 9
