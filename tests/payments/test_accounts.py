"""An affiliate's account at the provider: one, whatever gets lost on the way, and as the provider says last."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm.exc import StaleDataError

from services.payments import jobs
from services.payments.clients import Provider
from services.payments.commands import accounts
from services.payments.domain.payout_account import PayoutAccount
from services.payments.domain.provider import Unanswered
from shared.auth import Actor, Role
from shared.clock import frozen, now
from shared.contracts.catalog import AffiliateApproved, AffiliateRejected
from shared.contracts.payments import AccountChanged
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN, SUPPORT, member

from .conftest import AFFILIATE, STATE, As, Till, applied

OWNER = Actor(user_id=900)
CREATE = "accounts.create"
PATH = f"/payments/v1/affiliates/{AFFILIATE}"


def approved(version: int = 2, **more: Any) -> AffiliateApproved:
    return AffiliateApproved(**STATE | {"version": version, "application_status": "approved"} | more)


def rejected(version: int = 2) -> AffiliateRejected:
    return AffiliateRejected(**STATE, version=version, application_status="rejected", reason="No insurance.")


async def account(till: Till) -> PayoutAccount:
    async with till.database.begin() as session:
        return (await session.scalars(select(PayoutAccount))).one()


async def stripe_id(till: Till) -> str:
    found = (await account(till)).stripe_account_id
    assert found is not None
    return found


async def ready(till: Till) -> str:
    """An account that its owner can go on with; its id at the provider."""
    await till.deliver(applied())
    await till.work()
    return await stripe_id(till)


async def made_for(till: Till) -> list[str]:
    """All that the provider has made for this account."""
    reference = str((await account(till)).reference)
    page = await till.sandbox.stripe.accounts.list_async({"limit": 100})
    found = [one.to_dict() async for one in page.auto_paging_iter()]
    return [one["id"] for one in found if one["metadata"].get("mdh_reference") == reference]


async def onboards(till: Till, as_: As, outcome: str = "complete") -> None:
    """Its owner follows a link of ours and sends the provider's form."""
    answer = await till.client.post(f"{PATH}/onboarding-links", headers=as_(OWNER))
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    sent = await till.sandbox.http.post(answer.json()["url"], data={"outcome": outcome})
    assert sent.status_code == 303


# -- made once --


async def test_who_applies_gets_an_account(till: Till, published: Published) -> None:
    made = await ready(till)
    there = await till.sandbox.stripe.accounts.retrieve_async(made)
    assert (there.type, there.country, there.payouts_enabled) == ("express", "US", False)
    [told] = await published(AccountChanged)
    found = await account(till)
    assert (told.payout_account_id, told.affiliate_id, told.version) == (found.id, AFFILIATE, found.version)
    assert (told.status, told.payouts_enabled) == ("pending", False)


async def test_heard_twice_late_and_in_reverse_it_stays_one_account(till: Till, published: Published) -> None:
    await till.deliver(approved())
    await till.deliver(applied())
    await till.deliver(approved())
    await till.work()
    await till.deliver(approved(3))
    await till.work()
    assert await made_for(till) == [await stripe_id(till)]
    assert len(await published(AccountChanged)) == 1


async def test_who_was_rejected_gets_none(till: Till) -> None:
    await till.deliver(rejected())
    assert (await till.count(PayoutAccount), await till.waiting()) == (0, [])


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(till: Till) -> None:
    await till.sandbox.break_next(CREATE, "drop", times=2)
    await till.deliver(applied())
    for _ in range(2):
        with pytest.raises(Unanswered):
            await till.work()
    await till.work()
    assert await made_for(till) == [await stripe_id(till)]


async def test_a_crash_between_answer_and_store_leads_to_the_same_account(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    await till.deliver(applied())
    with monkeypatch.context() as patched:
        patched.setattr(accounts, "_keep", crash)
        with pytest.raises(KeyboardInterrupt):
            await till.work()
    await till.work()
    assert await made_for(till) == [await stripe_id(till)]


@pytest.mark.parametrize(("effect", "attempts"), [(True, 1), (False, 2)])
async def test_after_a_day_the_call_is_looked_up_and_made_anew_only_if_nothing_came_of_it(
    till: Till, effect: bool, attempts: int
) -> None:
    await till.sandbox.break_next(CREATE, "drop", effect=effect)
    await till.deliver(applied())
    with pytest.raises(Unanswered):
        await till.work()
    await till.sandbox.control("PUT", "clock", offset_seconds=25 * 3600)
    with frozen(now() + timedelta(hours=25)):
        await till.work()
    assert (await account(till)).attempt == attempts
    assert await made_for(till) == [await stripe_id(till)]


# -- as the provider says last --


@pytest.mark.parametrize(
    ("outcome", "status", "enabled", "due"),
    [("complete", "complete", True, []), ("incomplete", "restricted", False, ["individual.verification.document"])],
)
async def test_what_the_owner_sends_is_shown_and_told(
    till: Till, as_: As, published: Published, outcome: str, status: str, enabled: bool, due: list[str]
) -> None:
    made = await ready(till)
    await onboards(till, as_, outcome)
    await till.hand_on(made, "account.updated")
    shown = (await till.client.get(f"{PATH}/payout-account", headers=as_(OWNER))).json()
    assert (shown["status"], shown["payouts_enabled"], shown["requirements"]) == (status, enabled, due)
    told = (await published(AccountChanged))[-1]
    assert (told.status, told.payouts_enabled, told.version) == (status, enabled, shown["version"])


async def test_webhooks_twice_and_in_reverse_end_in_what_is_true_now(till: Till, as_: As, published: Published) -> None:
    made = await ready(till)
    for outcome in ("incomplete", "complete"):
        await onboards(till, as_, outcome)
    hooks = [await till.webhook(made, "account.updated", number) for number in (1, 0, 0)]
    for hook in hooks:
        assert (await till.post(hook)).status_code == 200
        await till.work()
    assert [(event.status, event.version) for event in await published(AccountChanged)] == [
        ("pending", 2), ("complete", 3)
    ]  # fmt: skip


async def test_of_two_who_ask_at_once_the_older_answer_does_not_win(
    till: Till, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await ready(till)
    await onboards(till, as_, "incomplete")
    await till.hand_on(made, "account.updated")
    keep = accounts._keep

    async def another_is_faster(outside: Any, row: Any, told: Any) -> None:
        monkeypatch.setattr(accounts, "_keep", keep)
        await onboards(till, as_, "complete")
        await accounts.check_account(outside, row.id)
        await keep(outside, row, told)

    async with till.database.begin() as session:
        await session.execute(text("update payout_accounts set requirements = '[]'"))
    monkeypatch.setattr(accounts, "_keep", another_is_faster)
    with pytest.raises(StaleDataError):
        await accounts.check_account(till.outside, (await account(till)).id)
    assert (await account(till)).status == "complete"


async def test_a_webhook_that_never_came_is_healed_by_asking(till: Till, as_: As) -> None:
    await ready(till)
    await onboards(till, as_)
    async with till.database.begin() as session:
        await session.execute(text("update payout_accounts set checked_at = now() - interval '2 hours'"))
    for _ in range(2):
        async with till.database.begin() as session:
            await jobs.ask_about_open_accounts(session)
    assert await till.waiting() == ["check_quiet_account"]
    await till.work()
    assert (await account(till)).status == "complete"


async def test_an_account_of_somebody_else_is_foreign(till: Till) -> None:
    other = await till.sandbox.stripe.accounts.create_async({"type": "express"})
    link = await till.sandbox.stripe.account_links.create_async(
        {
            "account": other.id,
            "type": "account_onboarding",
            "return_url": "https://a.example",
            "refresh_url": "https://a.example",
        }
    )
    await till.sandbox.http.post(link.url, data={"outcome": "complete"})
    await till.hand_on(other.id, "account.updated")
    [hook] = await till.webhooks()
    assert (hook.outcome, await till.count(PayoutAccount)) == ("foreign", 0)


# -- who may --


@pytest.mark.parametrize(
    "actor", [member(AFFILIATE, Role.MANAGER), ADMIN, SUPPORT], ids=["manager", "admin", "support"]
)
async def test_others_may_look_and_not_say_where_the_money_goes(till: Till, as_: As, actor: Actor) -> None:
    await ready(till)
    assert (await till.client.get(f"{PATH}/payout-account", headers=as_(actor))).status_code == 200
    refused = await till.client.post(f"{PATH}/onboarding-links", headers=as_(actor))
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/owners-only")


async def test_whom_it_does_not_concern_sees_no_account(till: Till, as_: As) -> None:
    await ready(till)
    for actor in (Actor(user_id=901), member(AFFILIATE, Role.TECHNICIAN), member(AFFILIATE + 1)):
        for method, path in (("GET", "payout-account"), ("POST", "onboarding-links")):
            assert (await till.client.request(method, f"{PATH}/{path}", headers=as_(actor))).status_code == 404


async def test_a_new_owner_goes_on_and_the_old_one_does_not(till: Till, as_: As) -> None:
    await ready(till)
    await till.deliver(approved(3, owner_user_id=600))
    await till.deliver(approved(2))
    links = f"{PATH}/onboarding-links"
    assert (await till.client.post(links, headers=as_(Actor(user_id=600)))).status_code == 201
    assert (await till.client.post(links, headers=as_(OWNER))).status_code == 404


async def test_before_the_provider_has_answered_there_is_no_link(till: Till, as_: As) -> None:
    await till.deliver(applied())
    early = await till.client.post(f"{PATH}/onboarding-links", headers=as_(OWNER))
    assert (early.status_code, early.headers["retry-after"]) == (409, "1")


async def test_a_provider_that_is_silent_is_said_to_be(till: Till, as_: As) -> None:
    await ready(till)
    await till.sandbox.break_next("account_links.create", "500")
    silent = await till.client.post(f"{PATH}/onboarding-links", headers=as_(OWNER))
    assert (silent.status_code, silent.json()["type"]) == (503, "/problems/provider-silent")


async def test_no_transaction_is_open_while_the_provider_is_asked(
    till: Till, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready(till)
    open_now: list[int] = []
    begin = type(till.database).begin

    async def asked(*_: object) -> str:
        open_now.append(depth[0])
        return "https://stripe.example"

    depth = [0]

    def counted(self: Any) -> Any:
        return _Counted(begin(self), depth)

    monkeypatch.setattr(type(till.database), "begin", counted)
    monkeypatch.setattr(Provider, "onboarding_url", asked)
    assert (await till.client.post(f"{PATH}/onboarding-links", headers=as_(OWNER))).status_code == 201
    assert open_now == [0]


class _Counted:
    """A transaction, and how many are open."""

    def __init__(self, inner: Any, depth: list[int]) -> None:
        self.inner, self.depth = inner, depth

    async def __aenter__(self) -> Any:
        self.depth[0] += 1
        return await self.inner.__aenter__()

    async def __aexit__(self, *error: Any) -> Any:
        self.depth[0] -= 1
        return await self.inner.__aexit__(*error)
