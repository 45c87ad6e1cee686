"""P1 at scale: 50,000 random requests at 200 crews. It runs for many minutes, and needs no running system.

`MDH_CHAOS_CROWD` says how many requests.
"""

import os
from collections.abc import Callable

import httpx
import pytest

from shared.auth import Actor
from shared.db import Database
from shared.testing.plugin import Headers, deliver_to

from ..booking.conftest import open_shop
from ..booking.crowd import Crowd
from ..booking.door import DAY, EXTRAS, NO_TIME
from ..booking.test_races import overlaps

CREWS = [1, 2, 3, 4, 5, 5] * 10
DAYS, REQUESTS = 4, int(os.environ.get("MDH_CHAOS_CROWD", "50000"))


@pytest.fixture(scope="session")
def service() -> str:
    return "booking"


async def test_requests_by_the_thousand_double_book_none_of_two_hundred_crews(
    fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database
) -> None:
    shop = await open_shop(fresh_client, as_, deliver_to("booking", fresh_database))
    crowd = Crowd(shop, fresh_database, CREWS, DAYS, seed=2)
    await crowd.arrange()
    await crowd.comes(REQUESTS)
    assert (crowd.other_answers(), crowd.wrong) == (set(), []), crowd.answers
    assert (crowd.witness.double_booked(), await overlaps(fresh_database), await crowd.deadlocks()) == ([], 0, 0)
    assert (await crowd.refused_for_nothing(), await crowd.not_as_told()) == ([], [])
    deeds = (*DAY, "accept", "decline", "reschedule", "propose", "cancel", "paid more", "several", *EXTRAS)
    assert all(crowd.done[deed] for deed in deeds)
    assert (409, NO_TIME) in crowd.answers
    print(crowd.sent, crowd.answers, crowd.done, len(crowd.witness.spans), len(crowd.witness.refusals))
