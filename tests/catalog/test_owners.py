"""An affiliate belongs to whom identity says, and stands only while one of them may act."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.catalog import AffiliateChanged, AffiliateClosed, AffiliateReinstated, AffiliateSuspended
from shared.contracts.identity import (
    MemberAdded,
    MemberChanged,
    MemberEvent,
    MemberRemoved,
    UserClosed,
    UserEvent,
    UserReinstated,
    UserSuspended,
)
from shared.testing.plugin import Deliver, Headers, Published
from shared.testing.tokens import ADMIN

from .conftest import OWNER, Json, Made

As = Callable[[Actor], Headers]
AFFILIATES = "/catalog/v1/affiliates"
FIRST, HEIR = 500, 501
ENDS = {"tokens_end_at": "2026-01-01T00:00:00Z"}


def member(kind: type[MemberEvent], id: int, version: int, affiliate: Json, user_id: int, role: str) -> MemberEvent:
    more: dict[str, Any] = {} if kind is MemberAdded else ENDS
    told = {"affiliate_user_id": id, "version": version, "affiliate_id": affiliate["id"], "user_id": user_id}
    return kind(**told, role=role, **more)


def user(kind: type[UserEvent], version: int, user_id: int = FIRST) -> UserEvent:
    told: dict[str, Any] = {"user_id": user_id, "version": version, "email": "a@b.example", "full_name": "A", **ENDS}
    told |= {
        "role": "customer",
        "locale": "en-US",
        "timezone": "UTC",
        "phone": None,
        "customer_id": None,
        "reason": "Fraud.",
    }
    return kind(**{name: value for name, value in told.items() if name in kind.model_fields})


def handover(affiliate: Json) -> list[MemberEvent]:
    return [
        member(MemberAdded, 1, 1, affiliate, FIRST, "owner"),
        member(MemberAdded, 2, 1, affiliate, HEIR, "manager"),
        member(MemberChanged, 1, 2, affiliate, FIRST, "manager"),
        member(MemberChanged, 2, 2, affiliate, HEIR, "owner"),
    ]


async def stands(client: httpx.AsyncClient, as_: As, affiliate: Json) -> Json:
    return dict((await client.get(f"{AFFILIATES}/{affiliate['id']}", headers=as_(ADMIN))).json())


async def test_whoever_handed_it_over_has_no_rights_by_having_applied(
    client: httpx.AsyncClient, as_: As, approved: Made, deliver: Deliver, published: Published
) -> None:
    affiliate = await approved()
    path = f"{AFFILIATES}/{affiliate['id']}"
    assert (await client.patch(path, json={"name": "Mine"}, headers=as_(OWNER))).status_code == 200
    for event in handover(affiliate):
        await deliver(event)
    assert (await stands(client, as_, affiliate))["owner_user_id"] == HEIR
    assert (await client.patch(path, json={"name": "Mine"}, headers=as_(OWNER))).status_code == 403
    assert (await client.patch(path, json={"name": "Ours"}, headers=as_(Actor(user_id=HEIR)))).status_code == 200
    assert [event.owner_user_id for event in await published(AffiliateChanged)] == [FIRST, HEIR, HEIR]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5], ids=str)
async def test_in_whatever_order_and_twice_it_is_the_heirs(
    client: httpx.AsyncClient, as_: As, approved: Made, deliver: Deliver, order: tuple[int, ...]
) -> None:
    affiliate = await approved()
    events = handover(affiliate)
    for place in (*order, *order):
        await deliver(events[place])
    assert (await stands(client, as_, affiliate))["owner_user_id"] == HEIR


async def test_a_suspended_owners_affiliate_is_suspended_until_they_are_back(
    client: httpx.AsyncClient, as_: As, approved: Made, deliver: Deliver, published: Published
) -> None:
    affiliate = await approved()
    for _ in range(2):
        await deliver(user(UserSuspended, 2))
    found = await stands(client, as_, affiliate)
    assert (found["application_status"], found["status_reason"]) == ("suspended", "Its owner's account is suspended.")
    await deliver(user(UserReinstated, 3))
    await deliver(user(UserSuspended, 2))
    assert (await stands(client, as_, affiliate))["application_status"] == "approved"
    assert len(await published(AffiliateSuspended)) == len(await published(AffiliateReinstated)) == 1


async def test_staff_open_no_affiliate_whose_owners_may_not_act(
    client: httpx.AsyncClient, as_: As, approved: Made, deliver: Deliver
) -> None:
    affiliate = await approved()
    await deliver(user(UserSuspended, 2))
    answer = await client.post(f"{AFFILIATES}/{affiliate['id']}/reinstate", headers=as_(ADMIN))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/no-owner-can-act")


async def test_a_suspension_by_staff_is_not_undone_with_the_owners(
    client: httpx.AsyncClient, as_: As, approved: Made, deliver: Deliver
) -> None:
    affiliate = await approved()
    why = {"reason": "Complaints."}
    await client.post(f"{AFFILIATES}/{affiliate['id']}/suspend", json=why, headers=as_(ADMIN))
    await deliver(user(UserSuspended, 2))
    await deliver(user(UserReinstated, 3))
    found = await stands(client, as_, affiliate)
    assert (found["application_status"], found["status_reason"]) == ("suspended", "Complaints.")


async def test_with_another_owner_it_stands(
    client: httpx.AsyncClient, as_: As, approved: Made, deliver: Deliver
) -> None:
    affiliate = await approved()
    await deliver(member(MemberAdded, 1, 1, affiliate, FIRST, "owner"))
    await deliver(member(MemberAdded, 2, 1, affiliate, HEIR, "owner"))
    await deliver(user(UserSuspended, 2))
    assert (await stands(client, as_, affiliate))["application_status"] == "approved"
    await deliver(member(MemberRemoved, 2, 2, affiliate, HEIR, "owner"))
    assert (await stands(client, as_, affiliate))["application_status"] == "suspended"


async def test_an_affiliate_closes_with_its_last_owner(
    client: httpx.AsyncClient, as_: As, approved: Made, deliver: Deliver, published: Published
) -> None:
    affiliate = await approved()
    for _ in range(2):
        await deliver(user(UserClosed, 2))
    assert (await stands(client, as_, affiliate))["application_status"] == "closed"
    assert len(await published(AffiliateClosed)) == 1


async def test_what_an_application_says_is_kept_and_what_cannot_be_is_refused(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved(contact_name="Olive", insurer="Mutual", insurance_expires_on="2040-01-01")
    assert (affiliate["contact_name"], affiliate["insurer"]) == ("Olive", "Mutual")
    path = f"{AFFILIATES}/{affiliate['id']}"
    late = await client.patch(path, json={"insurance_expires_on": "2020-01-01"}, headers=as_(OWNER))
    odd = await client.patch(path, json={"cancellation_policy": "strict"}, headers=as_(OWNER))
    other = await client.patch(path, json={"payment_mode": "on_site"}, headers=as_(OWNER))
    types = ["/problems/insurance-expired", "/problems/unknown-policy", "/problems/unknown-payment-mode"]
    assert [a.json()["type"] for a in (late, odd, other)] == types
    policy = {"name": "strict", "free_cancellation_hours": 72, "late_cancellation_fee_bp": 9_000}
    config = {"cancellation_policies": [policy], "payment_modes": ["full", "on_site"]}
    assert (await client.patch("/catalog/v1/config", json=config, headers=as_(ADMIN))).status_code == 200
    wanted = {"cancellation_policy": "strict", "payment_mode": "on_site"}
    chosen = await client.patch(path, json=wanted, headers=as_(OWNER))
    assert chosen.json()["payment_mode"] == "on_site"
    counted = await client.put(f"{path}/tier", json={"affiliate_tier": "premium"}, headers=as_(ADMIN))
    assert (chosen.json()["cancellation_policy"], counted.json()["affiliate_tier"]) == ("strict", "premium")
    assert [(e.cancellation_policy, e.affiliate_tier) for e in await published(AffiliateChanged)] == [
        ("strict", "standard"),
        ("strict", "premium"),
    ]
