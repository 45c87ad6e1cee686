"""Refunds by staff: one person up to a limit, two above it, and never more than was taken."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from services.payments.commands import ledger
from services.payments.domain.refund import RefundStatus
from services.payments.domain.refund_request import (
    DecidedAlready,
    RefundRequest,
    RequestStatus,
    SecondPersonNeeded,
)
from shared.auth import Actor, Role
from shared.clock import now
from shared.contracts.identity import ErasureRequested
from shared.contracts.payments import PaymentRefunded, RefundApproved, RefundDeclined, RefundRequested
from shared.errors import Refusal
from shared.testing.plugin import Headers, Published, recorded_in
from shared.testing.tokens import ADMIN

from .conftest import CUSTOMER, PRICE, As, Till, held, refund_due

BOSS = Actor(user_id=3, roles=frozenset({Role.ADMIN}))
ALONE = 10_000
WAITING, APPROVED, DECLINED = RequestStatus
OVER = "/problems/over-refund"


@pytest.fixture(scope="session")
def extra_settings(extra_settings: dict[str, Any]) -> dict[str, Any]:
    return extra_settings | {"refund_alone_up_to_cents": ALONE}


async def asks(till: Till, as_: As, cents: int, by: Actor = ADMIN, more: Headers | None = None) -> httpx.Response:
    path = f"/payments/v1/payments/{(await till.payment()).id}/refund-requests"
    body = {"amount_cents": cents, "reason": "The team came two hours late."}
    return await till.client.post(path, json=body, headers=as_(by) | (more or {}))


async def decides(
    till: Till, as_: As, asked: httpx.Response, verb: str = "approve", by: Actor = BOSS, more: Headers | None = None
) -> httpx.Response:
    path = f"/payments/v1/refund-requests/{asked.json()['id']}/{verb}"
    return await till.client.post(path, headers=as_(by) | (more or {}))


async def gone_back(till: Till) -> int:
    refunded: int = (await till.sandbox.totals(await till.intent_id()))["refunded"]
    return refunded


async def books_are_right(till: Till) -> bool:
    async with till.database.begin() as session:
        return await ledger.faults(session) == []


# -- the rule --


@pytest.mark.parametrize(
    ("status", "by", "refusal"),
    [
        (WAITING, BOSS, None),
        (WAITING, ADMIN, SecondPersonNeeded),
        (APPROVED, BOSS, DecidedAlready),
        (APPROVED, ADMIN, SecondPersonNeeded),
        (DECLINED, BOSS, DecidedAlready),
    ],
)
@pytest.mark.parametrize("end", [APPROVED, DECLINED])
def test_somebody_else_decides_once(
    status: RequestStatus, by: Actor, refusal: type[Refusal] | None, end: RequestStatus
) -> None:
    one = RefundRequest(payment_id=1, amount_cents=1, reason="r", two_persons=True, asked_by=1, status=status)
    if refusal is None:
        one.decide(by, end)
        assert (one.status, one.decided_by, one.version, one.decided_at is None) == (end, by.user_id, 2, False)
    else:
        with pytest.raises(refusal):
            one.decide(by, end)
        assert (one.status, one.decided_by, one.version) == (status, None, 1)


# -- one person --


async def test_little_goes_back_at_once(till: Till, as_: As, published: Published) -> None:
    await till.captured()
    asked = await asks(till, as_, ALONE)
    assert (asked.status_code, asked.headers["location"]) == (201, f"/payments/v1/refund-requests/{asked.json()['id']}")
    shown = asked.json()
    told = (shown["status"], shown["two_persons"], shown["asked_by"], shown["decided_by"])
    assert told == ("approved", False, 1, None)
    await till.work()
    [refund] = await till.refunds()
    assert (refund.status, refund.cause) == (RefundStatus.SUCCEEDED, f"refund_request:{shown['id']}")
    assert await gone_back(till) == (await till.payment()).refunded_cents == ALONE
    [approved], [money] = await published(RefundApproved), await published(PaymentRefunded)
    assert (approved.reason, approved.customer_id) == ("The team came two hours late.", CUSTOMER)
    assert (money.refund_cents, await published(RefundRequested)) == (ALONE, [])
    assert await books_are_right(till)


async def test_parts_do_not_add_up_to_more_than_one_person_may_send_back(till: Till, as_: As) -> None:
    await till.captured()
    statuses = [(await asks(till, as_, cents)).json()["status"] for cents in (6_000, 4_001, 4_000, 1)]
    assert statuses == ["approved", "waiting", "approved", "waiting"]
    await till.work()
    assert await gone_back(till) == ALONE


# -- two persons --


async def test_much_waits_for_a_second_person(till: Till, as_: As, published: Published) -> None:
    await till.captured()
    asked = await asks(till, as_, PRICE)
    assert (asked.json()["status"], asked.json()["two_persons"]) == ("waiting", True)
    await till.work()
    assert (await gone_back(till), await till.refunds()) == (0, [])
    own = await decides(till, as_, asked, by=ADMIN)
    assert (own.status_code, own.json()["type"]) == (403, "/problems/second-person-needed")
    agreed = await decides(till, as_, asked)
    assert (agreed.status_code, agreed.json()["status"], agreed.json()["decided_by"]) == (200, "approved", 3)
    await till.work()
    assert await gone_back(till) == PRICE
    [requested], [approved] = await published(RefundRequested), await published(RefundApproved)
    assert (requested.version, requested.status, approved.version, approved.status) == (1, "waiting", 2, "approved")
    assert await books_are_right(till)


async def test_what_is_declined_stays(till: Till, as_: As, published: Published) -> None:
    await till.captured()
    asked = await asks(till, as_, PRICE)
    own = await decides(till, as_, asked, "decline", by=ADMIN)
    assert own.status_code == 403
    assert (await decides(till, as_, asked, "decline")).json()["status"] == "declined"
    late = await decides(till, as_, asked)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/decided-already")
    await till.work()
    assert (await gone_back(till), len(await published(RefundDeclined))) == (0, 1)


async def test_who_has_seen_another_version_decides_nothing(till: Till, as_: As) -> None:
    await till.captured()
    asked = await asks(till, as_, PRICE)
    assert (await decides(till, as_, asked, more={"If-Match": '"2"'})).status_code == 412
    assert (await decides(till, as_, asked, more={"If-Match": asked.headers["etag"]})).status_code == 200


async def test_what_was_sent_back_meanwhile_is_not_sent_again(till: Till, as_: As) -> None:
    await till.captured()
    asked = await asks(till, as_, PRICE)
    await till.hear(refund_due(refund_cents=1))
    late = await decides(till, as_, asked)
    assert (late.status_code, late.json()["type"]) == (409, OVER)
    path = f"/payments/v1/refund-requests/{asked.json()['id']}"
    assert (await till.client.get(path, headers=as_(ADMIN))).json()["status"] == "waiting"
    assert (await decides(till, as_, asked, "decline")).status_code == 200


# -- never more than was taken --


async def test_more_than_is_left_is_refused(till: Till, as_: As) -> None:
    await till.captured()
    await till.hear(refund_due(refund_cents=PRICE - 10))
    for cents, status in ((11, 409), (10, 201), (1, 409)):
        answer = await asks(till, as_, cents)
        assert answer.status_code == status, cents
        assert answer.json().get("type", OVER) == OVER
    await till.work()
    assert await gone_back(till) == PRICE


async def test_of_what_was_never_taken_nothing_goes_back(till: Till, as_: As) -> None:
    await till.deliver(held())
    answer = await asks(till, as_, 1)
    assert (answer.status_code, answer.json()["type"]) == (409, OVER)


async def test_sent_twice_with_one_key_it_is_one(till: Till, as_: As) -> None:
    await till.captured()
    first, second = [await asks(till, as_, 1_000, more={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.content, first.status_code) == (second.content, second.status_code)
    await till.work()
    assert await gone_back(till) == 1_000


async def test_in_parallel_no_more_goes_back_than_one_person_may_and_never_more_than_was_taken(
    fresh_till: Till, as_: As
) -> None:
    await fresh_till.captured()
    asked = await asyncio.gather(*(asks(fresh_till, as_, 4_000) for _ in range(6)))
    assert sorted(one.json()["status"] for one in asked) == ["approved"] * 2 + ["waiting"] * 4
    waiting = [one for one in asked if one.json()["status"] == "waiting"]
    decided = await asyncio.gather(*(decides(fresh_till, as_, one) for one in waiting))
    assert sorted(one.status_code for one in decided) == [200, 200, 409, 409]
    await fresh_till.work()
    assert await gone_back(fresh_till) == (await fresh_till.payment()).refunded_cents == 16_000
    assert await books_are_right(fresh_till)


async def test_two_who_approve_at_once_send_it_back_once(fresh_till: Till, as_: As) -> None:
    await fresh_till.captured()
    asked = await asks(fresh_till, as_, ALONE + 1)
    others = [BOSS, Actor(user_id=4, roles=frozenset({Role.ADMIN}))]
    decided = await asyncio.gather(*(decides(fresh_till, as_, asked, by=other) for other in others))
    assert sorted(one.status_code for one in decided) == [200, 409]
    await fresh_till.work()
    assert (await gone_back(fresh_till), len(await recorded_in(fresh_till.database, RefundApproved))) == (ALONE + 1, 1)


@pytest.mark.parametrize("decided_by", [ADMIN.user_id, None])
async def test_no_row_says_that_much_passed_without_a_second_person(
    till: Till, as_: As, decided_by: int | None
) -> None:
    await till.captured()
    await asks(till, as_, PRICE)
    with pytest.raises(IntegrityError, match="two_persons"):
        async with till.database.begin() as session:
            values = {"status": APPROVED, "decided_at": now(), "decided_by": decided_by}
            await session.execute(update(RefundRequest).values(values))


# -- who sees it --


async def test_staff_find_what_waits(
    till: Till, as_: As, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await till.captured()
    payment_id = (await till.payment()).id
    waits, done = await asks(till, as_, PRICE), await asks(till, as_, 1)
    path = "/payments/v1/refund-requests"
    for query, expected in (
        ("", [done, waits]),
        ("?status=waiting", [waits]),
        (f"?payment_id={payment_id}&status=approved", [done]),
        (f"?payment_id={payment_id + 1}", []),
    ):
        with statements() as sent:
            listed = (await till.client.get(path + query, headers=as_(ADMIN))).json()["items"]
        assert ([one["id"] for one in listed], len(sent)) == ([one.json()["id"] for one in expected], 1)
    for missing in (f"{path}/9", f"{path}/9/approve"):
        method = "POST" if missing.endswith("approve") else "GET"
        assert (await till.client.request(method, missing, headers=as_(BOSS))).status_code == 404


async def test_an_erasure_takes_the_reason_and_leaves_the_sums(till: Till, as_: As) -> None:
    await till.captured()
    asked = await asks(till, as_, PRICE)
    await till.deliver(ErasureRequested(erasure_id=1, version=2, user_id=1007, customer_id=CUSTOMER))
    path = f"/payments/v1/refund-requests/{asked.json()['id']}"
    shown = (await till.client.get(path, headers=as_(ADMIN))).json()
    assert (shown["reason"], shown["amount_cents"]) == ("", PRICE)
