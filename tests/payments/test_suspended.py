"""Money of affiliates that were suspended waits; who closed gets all that it is owed."""

from typing import Any

import pytest
from sqlalchemy import text

from services.payments.domain.payout_account import UNSAID, PayoutAccount
from shared.auth import Role
from shared.clock import frozen, now
from shared.contracts.catalog import (
    AffiliateChanged,
    AffiliateClosed,
    AffiliateEvent,
    AffiliateReinstated,
    AffiliateSuspended,
)
from shared.contracts.payments import PayoutsHeld, PayoutsReleased
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN, SUPPORT, member

from .conftest import AFFILIATE, STATE, As, Till
from .payday import HOLD, SHARE, account, arrived, drain, earned, has_account, made, owed, payday

WHY = "Two customers were hurt."
HELD = "/payments/v1/payout-accounts/held"
RELEASE = f"/payments/v1/affiliates/{AFFILIATE}/payout-account/release"


def state(version: int, status: str) -> dict[str, Any]:
    return STATE | {"version": version, "application_status": status}


def suspended(version: int = 2) -> AffiliateSuspended:
    return AffiliateSuspended(**state(version, "suspended"), reason=WHY)


def reinstated(version: int = 3) -> AffiliateReinstated:
    return AffiliateReinstated(**state(version, "approved"))


def closed(version: int = 3) -> AffiliateClosed:
    return AffiliateClosed(**state(version, "closed"))


def changed(version: int, status: str = "suspended") -> AffiliateChanged:
    return AffiliateChanged(**state(version, status))


async def test_who_is_suspended_is_not_paid_until_it_is_reinstated(banked: Till, as_: As, published: Published) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    await banked.deliver(suspended())
    await payday(banked)
    assert (await made(banked), await owed(banked)) == ([], SHARE)
    url = f"/payments/v1/affiliates/{AFFILIATE}/balance"
    with frozen(now() + HOLD):
        [balance] = (await banked.client.get(url, headers=as_(member(AFFILIATE, Role.MANAGER)))).json()["items"]
    assert (balance["payable_cents"], balance["due_cents"], balance["held_because"]) == (SHARE, 0, WHY)
    [shown] = (await banked.client.get(HELD, headers=as_(SUPPORT))).json()["items"]
    assert (shown["affiliate_id"], shown["payouts_held"], shown["held_because"]) == (AFFILIATE, True, WHY)
    await banked.deliver(reinstated())
    await payday(banked)
    assert (await arrived(banked, stripe_id), await owed(banked)) == ([SHARE], 0)
    assert (await banked.client.get(HELD, headers=as_(SUPPORT))).json()["items"] == []
    [held], [released] = await published(PayoutsHeld), await published(PayoutsReleased)
    assert (held.affiliate_id, released.affiliate_id, released.version - held.version) == (AFFILIATE, AFFILIATE, 1)


async def test_an_administrator_releases_what_is_held_until_the_next_suspension(
    banked: Till, as_: As, published: Published
) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    await banked.deliver(suspended())
    stale = {"If-Match": '"1"'}
    assert (await banked.client.post(RELEASE, headers=as_(ADMIN) | stale)).status_code == 412
    answer = await banked.client.post(RELEASE, headers=as_(ADMIN))
    assert (answer.status_code, answer.json()["payouts_held"], answer.json()["held_because"]) == (200, False, None)
    again = await banked.client.post(RELEASE, headers=as_(ADMIN))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/payouts-not-held")
    await banked.deliver(changed(3))
    await payday(banked)
    assert await arrived(banked, stripe_id) == [SHARE]
    assert len(await published(PayoutsReleased)) == 1
    await banked.deliver(reinstated(4))
    await banked.deliver(suspended(5))
    assert (await account(banked)).held_because == WHY


async def test_who_closed_gets_what_it_is_owed_after_the_hold_however_little(banked: Till) -> None:
    stripe_id = await has_account(banked)
    await earned(banked, 1, price_cents=1_000, commission_cents=0)
    await payday(banked)
    assert await made(banked) == []
    await banked.deliver(closed())
    await payday(banked)
    assert await arrived(banked, stripe_id) == [1_000]
    await earned(banked, 2, price_cents=900, commission_cents=0)
    await payday(banked, HOLD - HOLD / 7)
    assert len(await made(banked)) == 1


async def test_closing_does_not_open_what_is_held(banked: Till, as_: As) -> None:
    stripe_id = await has_account(banked)
    await earned(banked)
    await banked.deliver(suspended())
    await banked.deliver(closed())
    await payday(banked)
    assert (await made(banked), (await account(banked)).held_because) == ([], WHY)
    assert (await banked.client.post(RELEASE, headers=as_(ADMIN))).status_code == 200
    await payday(banked)
    assert await arrived(banked, stripe_id) == [SHARE]


async def test_what_was_refused_is_not_sent_again_while_payouts_are_held(banked: Till, as_: As) -> None:
    await has_account(banked)
    await earned(banked, card="pm_card_visa")
    await drain(banked)
    await payday(banked)
    [payout] = await made(banked)
    await banked.deliver(suspended())
    refused = await banked.client.post(f"/payments/v1/payouts/{payout.id}/retry", headers=as_(SUPPORT))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-while-held")
    assert [one.status for one in await made(banked)] == ["refused"]


# -- rules --

ROW: dict[str, Any] = {"affiliate_id": AFFILIATE, "owner_user_id": 900, "affiliate_version": 1}


@pytest.mark.parametrize(
    ("events", "because"),
    [
        ([changed(1, "approved")], None),
        ([suspended()], WHY),
        ([changed(2)], UNSAID),
        ([suspended(), changed(3)], WHY),
        ([suspended(), reinstated()], None),
        ([suspended(), closed()], WHY),
        ([closed()], None),
    ],
)
def test_held_because(events: list[AffiliateEvent], because: str | None) -> None:
    account = PayoutAccount(**ROW, **PayoutAccount.intended())
    for event in events:
        account.stand(event.application_status, getattr(event, "reason", None))
    assert account.held_because == because


async def test_news_of_before_changes_nothing(banked: Till) -> None:
    await has_account(banked)
    for event in (suspended(4), reinstated(3), suspended(4)):
        await banked.deliver(event)
    assert (await account(banked)).held_because == WHY
    async with banked.database.begin() as session:
        assert (await session.scalars(text("select affiliate_version from payout_accounts"))).one() == 4
