"""The steps of an affiliate: which there are, who takes them, what is told and kept of them."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog.domain import onboarding
from services.catalog.domain.onboarding import TRANSITIONS, ApplicationStatus, NotYourStep, Party, Step, after
from shared.auth import Actor, Role
from shared.contracts.catalog import AFFILIATE_EVENTS, AffiliateClosed, AffiliateSuspended, OfferPublished
from shared.contracts.identity import ErasureRequested
from shared.db import Database
from shared.errors import Refusal
from shared.testing.plugin import Deliver, Headers, Published, recorded_in
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import BROOKLYN, OWNER, Json, Made, application, offer

README = Path(onboarding.__file__).parents[1] / "README.md"
AFFILIATES = "/catalog/v1/affiliates"
As = Callable[[Actor], Headers]
WHY = {"reason": "Which insurance?"}

# From each state, by each step: the state it leads to, or the refusal.
TABLE = """
                   review           request_changes   resubmit          approve           reject            suspend           reinstate        close
submitted          in_review        changes_requested NothingToMend     approved          rejected          NotApproved       NotSuspended     closed
in_review          AlreadyInReview  changes_requested NothingToMend     approved          rejected          NotApproved       NotSuspended     closed
changes_requested  WaitsForApplicant WaitsForApplicant submitted        WaitsForApplicant rejected          NotApproved       NotSuspended     closed
approved           AlreadyDecided   AlreadyDecided    NothingToMend     AlreadyDecided    AlreadyDecided    suspended         NotSuspended     closed
rejected           AlreadyDecided   AlreadyDecided    NothingToMend     AlreadyDecided    AlreadyDecided    NotApproved       NotSuspended     AlreadyDecided
suspended          AlreadyDecided   AlreadyDecided    NothingToMend     AlreadyDecided    AlreadyDecided    NotApproved       approved         closed
closed             AffiliateIsClosed AffiliateIsClosed AffiliateIsClosed AffiliateIsClosed AffiliateIsClosed AffiliateIsClosed AffiliateIsClosed AffiliateIsClosed
"""  # noqa: E501


def pairs() -> list[tuple[ApplicationStatus, Step, str]]:
    steps, *rows = (line.split() for line in TABLE.strip().splitlines())
    return [
        (ApplicationStatus(row[0]), Step(step), cell) for row in rows for step, cell in zip(steps, row[1:], strict=True)
    ]


def test_the_table_is_whole() -> None:
    assert {(status, step) for status, step, _ in pairs()} == {
        (status, step) for status in ApplicationStatus for step in Step
    }
    assert set(TRANSITIONS) == set(Step)


@pytest.mark.parametrize(("status", "step", "expected"), pairs())
def test_every_pair_leads_on_or_is_refused_by_name(status: ApplicationStatus, step: Step, expected: str) -> None:
    by = min(TRANSITIONS[step].by)
    try:
        outcome = str(after(step, status, by))
    except Refusal as refusal:
        outcome = type(refusal).__name__ if 400 < refusal.status < 500 else "a failure"
    assert outcome == expected


@pytest.mark.parametrize("by", Party)
@pytest.mark.parametrize("step", Step)
def test_nobody_takes_a_step_that_is_anothers(step: Step, by: Party) -> None:
    for status in TRANSITIONS[step].leads_from:
        if by in TRANSITIONS[step].by:
            assert after(step, status, by)
        else:
            with pytest.raises(NotYourStep):
                after(step, status, by)


def test_the_readme_draws_exactly_the_table() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (\w+)", README.read_text(), re.MULTILINE))
    assert drawn == {(f, t.leads_to, step) for step, t in TRANSITIONS.items() for f in t.leads_from}


@pytest.fixture
def take(client: httpx.AsyncClient, as_: As) -> Callable[..., Any]:
    async def take(affiliate: Json, step: str, by: Actor = ADMIN, status: int = 200) -> Json:
        body = WHY if step in ("request-changes", "reject", "suspend") else None
        answer = await client.post(f"{AFFILIATES}/{affiliate['id']}/{step}", json=body, headers=as_(by))
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    return take


Take = Callable[..., Any]
CaughtUp = Callable[[], Awaitable[None]]
LIFE = [
    ("review", ADMIN, "in_review"), ("request-changes", ADMIN, "changes_requested"), ("resubmit", OWNER, "submitted"),
    ("approve", ADMIN, "approved"), ("suspend", ADMIN, "suspended"), ("reinstate", ADMIN, "approved"),
    ("close", OWNER, "closed"),
]  # fmt: skip


async def test_each_step_is_told_with_its_reason_and_kept(
    client: httpx.AsyncClient, as_: As, applied: Made, take: Take, published: Published
) -> None:
    affiliate = await applied()
    for version, (step, by, status) in enumerate(LIFE, 2):
        stands = await take(affiliate, step, by)
        reason = WHY["reason"] if status in ("changes_requested", "suspended") else None
        assert (stands["version"], stands["application_status"], stands["status_reason"]) == (version, status, reason)
        event = (await published())[-1]
        assert (event.version, event.application_status, getattr(event, "reason", None)) == (version, status, reason)
    told = [type(event) for event in await published()]
    assert set(AFFILIATE_EVENTS) - set(told) == {AFFILIATE_EVENTS[5], AFFILIATE_EVENTS[9]}  # rejected, changed
    path = f"{AFFILIATES}/{affiliate['id']}/steps"
    seen = (await client.get(path, headers=as_(OWNER))).json()["items"]
    assert [one["to_status"] for one in seen] == ["closed", *[status for _, _, status in LIFE[-2::-1]], "submitted"]
    assert [one["from_status"] for one in seen][-2:] == ["submitted", None]
    assert [one["reason"] for one in seen if one["reason"]] == [WHY["reason"]] * 2
    assert not any("changed_by" in one for one in seen)
    by_whom = [one["changed_by"] for one in (await client.get(path, headers=as_(SUPPORT))).json()["items"]]
    assert by_whom == [by.user_id for _, by, _ in LIFE[::-1]] + [OWNER.user_id]
    assert (await client.get(path, headers=as_(customer(3)))).status_code == 404


@pytest.mark.parametrize("change", ["update affiliate_steps set changed_by = 1", "delete from affiliate_steps"])
async def test_what_was_noted_of_a_step_stays(applied: Made, database: Database, change: str) -> None:
    await applied()
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.begin() as session:
            await session.execute(text(change))


@pytest.mark.parametrize(
    ("step", "by", "refusal"),
    [
        ("review", ADMIN, "already-decided"),
        ("resubmit", OWNER, "nothing-to-mend"),
        ("reinstate", ADMIN, "not-suspended"),
    ],
)
async def test_a_step_that_does_not_lead_on_is_refused_and_told_to_nobody(
    approved: Made, take: Take, published: Published, step: str, by: Actor, refusal: str
) -> None:
    refused = await take(await approved(), step, by, 409)
    assert (refused["type"], refused["application_status"]) == (f"/problems/{refusal}", "approved")
    assert len(await published()) == 2


async def test_a_suspended_affiliate_is_found_by_nobody(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, take: Take, caught_up: CaughtUp
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    await caught_up()
    paths = [f"{AFFILIATES}/{affiliate['id']}", f"/catalog/v1/services/{service['id']}"]
    search = f"{AFFILIATES}?zip={BROOKLYN}"
    assert len((await client.get(search)).json()["items"]) == 1
    await take(affiliate, "suspend")
    await caught_up()
    assert [(await client.get(path)).status_code for path in paths] == [404, 404]
    assert (await client.get(search)).json()["items"] == []
    assert [(await client.get(path, headers=as_(OWNER))).status_code for path in paths] == [200, 200]
    await take(affiliate, "reinstate")
    assert [(await client.get(path)).status_code for path in paths] == [200, 200]


async def test_a_closed_affiliate_changes_no_more_and_its_owner_may_apply_anew(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, take: Take, published: Published
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    await take(affiliate, "close", member(affiliate["id"], Role.MANAGER, user_id=9), 403)
    await take(affiliate, "close", OWNER)
    attempts = [
        await client.patch(f"{AFFILIATES}/{affiliate['id']}", json={"name": "X"}, headers=as_(OWNER)),
        await client.post(f"{AFFILIATES}/{affiliate['id']}/services", json=offer(), headers=as_(OWNER)),
        await client.delete(f"/catalog/v1/services/{service['id']}", headers=as_(OWNER)),
    ]
    assert {answer.json()["type"] for answer in attempts} == {"/problems/affiliate-is-closed"}
    assert type((await published())[-1]) is AffiliateClosed
    assert (await client.post(AFFILIATES, json=application(), headers=as_(OWNER))).status_code == 201


async def test_an_application_that_is_to_be_mended_is_not_decided_yet(
    client: httpx.AsyncClient, as_: As, applied: Made, take: Take
) -> None:
    affiliate = await applied()
    await take(affiliate, "request-changes")
    again = await client.post(AFFILIATES, json=application(name="Another"), headers=as_(OWNER))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/application-pending")
    changed = await client.patch(
        f"{AFFILIATES}/{affiliate['id']}", json={"street": "2 Court Street"}, headers=as_(OWNER)
    )
    assert (changed.status_code, changed.json()["status_reason"]) == (200, WHY["reason"])


@pytest.mark.parametrize("if_match", [None, '"1"'])
async def test_of_two_who_decide_at_once_one_does(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As, if_match: str | None
) -> None:
    affiliate = (await fresh_client.post(AFFILIATES, json=application(), headers=as_(OWNER))).json()
    path, headers = f"{AFFILIATES}/{affiliate['id']}", as_(ADMIN) | ({"If-Match": if_match} if if_match else {})
    answers = await asyncio.gather(
        fresh_client.post(f"{path}/approve", headers=headers),
        fresh_client.post(f"{path}/reject", json=WHY, headers=headers),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412 if if_match else 409]
    assert [event.version for event in await recorded_in(fresh_database)] == [1, 2]


async def test_an_offer_published_while_its_affiliate_is_suspended_is_seen_by_nobody(
    fresh_client: httpx.AsyncClient, fresh_database: Database, as_: As
) -> None:
    affiliate = (await fresh_client.post(AFFILIATES, json=application(), headers=as_(OWNER))).json()
    path = f"{AFFILIATES}/{affiliate['id']}"
    await fresh_client.post(f"{path}/approve", headers=as_(ADMIN))
    publish = fresh_client.post(f"{path}/services", json=offer(), headers=as_(OWNER))
    suspend = fresh_client.post(f"{path}/suspend", json=WHY, headers=as_(ADMIN))
    published, suspended = await asyncio.gather(publish, suspend)
    assert (published.status_code, suspended.status_code) == (201, 200)
    assert (await fresh_client.get(f"/catalog/v1/services/{published.json()['id']}")).status_code == 404
    assert (
        len(await recorded_in(fresh_database, OfferPublished))
        == len(await recorded_in(fresh_database, AffiliateSuspended))
        == 1
    )


@pytest.mark.parametrize(("was_approved", "name"), [(False, "(erased)"), (True, "Shine & Sons")])
async def test_what_was_closed_before_it_was_ever_approved_is_erased_with_its_applicant(
    applied: Made, take: Take, deliver: Deliver, session: AsyncSession, was_approved: bool, name: str
) -> None:
    affiliate = await applied()
    await take(affiliate, "request-changes")
    await take(affiliate, "resubmit", OWNER)
    if was_approved:
        await take(affiliate, "approve")
    await take(affiliate, "close", OWNER)
    await deliver(ErasureRequested(erasure_id=1, version=2, user_id=500))
    assert await session.scalar(text("select name from affiliates")) == name
    reasons = (await session.scalars(text("select reason from affiliate_steps where reason is not null"))).all()
    assert reasons == ([WHY["reason"]] if was_approved else [])
