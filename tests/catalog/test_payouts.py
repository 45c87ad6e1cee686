"""Whether an affiliate can be paid: payments' word, shown to its own people and the staff."""

from collections.abc import Callable

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.catalog import AffiliateChanged
from shared.contracts.payments import AccountChanged
from shared.testing.plugin import Deliver, Headers, Published
from shared.testing.tokens import SUPPORT

from .conftest import OWNER, Json, Made

ORDERS = {"in order": (2, 3), "twice": (2, 3, 3), "late": (3, 2), "late and twice": (3, 2, 2, 3)}


def told(affiliate: Json, version: int) -> AccountChanged:
    """Version 2: more is asked for; 3: nothing is."""
    return AccountChanged(
        payout_account_id=7,
        version=version,
        affiliate_id=affiliate["id"],
        status="complete" if version == 3 else "restricted",
        payouts_enabled=version == 3,
    )


async def test_an_affiliate_of_which_nothing_was_told_is_not_paid_yet(applied: Made) -> None:
    affiliate = await applied()
    assert (affiliate["payout_status"], affiliate["payouts_enabled"]) == ("pending", False)


@pytest.mark.parametrize("versions", ORDERS.values(), ids=list(ORDERS))
async def test_the_newest_word_is_shown_however_it_comes(
    applied: Made,
    deliver: Deliver,
    client: httpx.AsyncClient,
    as_: Callable[[Actor], Headers],
    published: Published,
    versions: tuple[int, ...],
) -> None:
    affiliate = await applied()
    for version in versions:
        await deliver(told(affiliate, version))
    for actor in (OWNER, SUPPORT):
        answer = await client.get(f"/catalog/v1/affiliates/{affiliate['id']}", headers=as_(actor))
        shown = answer.json()
        assert (shown["payout_status"], shown["payouts_enabled"]) == ("complete", True)
        assert (shown["version"], shown["updated_at"]) == (affiliate["version"], affiliate["updated_at"])
    assert await published(AffiliateChanged) == []


async def test_the_public_does_not_see_it(approved: Made, deliver: Deliver, client: httpx.AsyncClient) -> None:
    affiliate = await approved()
    await deliver(told(affiliate, 3))
    shown = (await client.get(f"/catalog/v1/affiliates/{affiliate['id']}")).json()
    assert not {"payout_status", "payouts_enabled"} & shown.keys()


async def test_a_word_about_nobody_changes_nothing(deliver: Deliver) -> None:
    await deliver(told({"id": 10**9}, 3))
