"""Where an affiliate comes to, as booking copies it from catalog and holds customers to it."""

from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.offer import Affiliate
from shared.contracts.catalog import AffiliateApproved
from shared.places import OutOfServiceArea, place_of
from shared.testing.plugin import Deliver
from shared.testing.tokens import member

from .conftest import AFFILIATE, Shop, approved, monday_at

BOSTON, MANHATTAN, BROOKLYN = "02108", "10001", "11201"


def told(version: int, **changes: Any) -> AffiliateApproved:
    return approved(version, **changes)


@pytest.mark.parametrize("order", [*permutations((2, 3, 4))])
async def test_the_newest_area_tier_and_policy_stay_whatever_comes_when(
    deliver: Deliver, session: AsyncSession, order: tuple[int, ...]
) -> None:
    events = {
        2: told(2, service_zips=[BOSTON]),
        3: told(3, service_zips=[], affiliate_tier="gold"),
        4: told(
            4, service_zips=[MANHATTAN, BOSTON], service_radius_m=0, affiliate_tier="pro", cancellation_policy="strict"
        ),
    }
    for version in (*order, order[0]):
        await deliver(events[version])
    copy = await session.get_one(Affiliate, AFFILIATE)
    assert (copy.version, copy.service_radius_m, copy.service_zips) == (4, 0, [MANHATTAN, BOSTON])
    assert (copy.affiliate_tier, copy.cancellation_policy) == ("pro", "strict")


async def test_zip_codes_are_booked_however_far_and_radius_0_means_only_those(shop: Shop, deliver: Deliver) -> None:
    await deliver(told(3, service_radius_m=0, service_zips=[BOSTON]))
    day_and_night = {"windows": [{"weekday": 0, "opens": "00:00", "closes": "24:00"}]}  # it is a long drive
    path = f"/booking/v1/affiliates/{AFFILIATE}/availability"
    assert (await shop.client.put(path, json=day_and_night, headers=shop.as_(member(AFFILIATE)))).status_code == 200
    answers = {zip: (await shop.book(monday_at(9), zip=zip)).status_code for zip in (MANHATTAN, BROOKLYN, BOSTON)}
    assert answers == {MANHATTAN: 409, BROOKLYN: 409, BOSTON: 201}


def test_an_area_that_is_half_known_keeps_nobody_out() -> None:
    copy = Affiliate(affiliate_id=1, version=1, name="Shine", application_status="approved", timezone="UTC")
    copy.must_come_to(place_of(BOSTON))
    copy.latitude, copy.longitude, copy.service_radius_m = 40.69, -73.99, 20_000
    with pytest.raises(OutOfServiceArea):
        copy.must_come_to(place_of(BOSTON))
