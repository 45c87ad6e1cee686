"""Accounts of those who are to be paid: made by the official library, onboarded by a person on a page."""

from typing import Any

import pytest

from .driver import Driver
from .receiver import Receiver

BACK, AGAIN = "https://mdh.example/done", "https://mdh.example/again"


async def onboarding(sandbox: Driver, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new account, and the link by which its owner goes on."""
    made: Any = {"type": "express", "country": "US", "capabilities": {"transfers": {"requested": True}}, **more}
    account = await sandbox.stripe.accounts.create_async(made)
    link = await sandbox.stripe.account_links.create_async(
        {"account": account.id, "type": "account_onboarding", "return_url": BACK, "refresh_url": AGAIN}
    )
    return account.to_dict(), link.to_dict()


async def onboarded(sandbox: Driver, outcome: str = "complete") -> str:
    """The id of an account after its owner has sent the form."""
    account, link = await onboarding(sandbox)
    await sandbox.http.post(link["url"], data={"outcome": outcome})
    identifier: str = account["id"]
    return identifier


@pytest.mark.parametrize(("outcome", "enabled", "due"), [("complete", True, 0), ("incomplete", False, 1)])
async def test_a_person_gives_all_that_is_asked_or_not(
    sandbox: Driver, receiver: Receiver, outcome: str, enabled: bool, due: int
) -> None:
    account, link = await onboarding(sandbox)
    assert (account["details_submitted"], account["payouts_enabled"]) == (False, False)
    assert "Leave a document out" in (await sandbox.http.get(link["url"])).text
    sent = await sandbox.http.post(link["url"], data={"outcome": outcome})
    assert (sent.status_code, sent.headers["location"]) == (303, BACK)
    now = await sandbox.stripe.accounts.retrieve_async(account["id"])
    assert (now.details_submitted, now.payouts_enabled) == (True, enabled)
    assert now.requirements is not None
    assert len(now.requirements.currently_due or []) == due
    [told] = await receiver.wait_for(account["id"], "account.updated", 1)
    assert told.event["data"]["object"]["payouts_enabled"] is enabled


async def test_a_link_is_good_for_some_minutes(sandbox: Driver) -> None:
    _, link = await onboarding(sandbox)
    await sandbox.control("PUT", "clock", offset_seconds=600)
    late = await sandbox.http.get(link["url"])
    assert (late.status_code, late.headers["location"]) == (303, AGAIN)


async def test_an_account_is_found_by_when_it_was_made(sandbox: Driver) -> None:
    account, _ = await onboarding(sandbox, metadata={"mdh_reference": "7"})
    page = await sandbox.stripe.accounts.list_async({"created": {"gte": account["created"]}, "limit": 100})
    assert {"mdh_reference": "7"} in [one.metadata.to_dict() for one in page.data if one.metadata]


async def test_the_same_key_makes_no_second_account(sandbox: Driver) -> None:
    made = [
        (await sandbox.post("/v1/accounts", key="acct-once", type="express", country="US")).json()["id"]
        for _ in range(2)
    ]
    assert made[0] == made[1]
