"""The platform's configuration: announced once, changed by administrators, with its history."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog.domain.config import UnknownPolicy
from services.catalog.jobs import announce_config
from services.catalog.queries.config import get_config
from shared.auth import Actor
from shared.contracts.catalog import ConfigChanged
from shared.db import Database
from shared.testing.configuration import config_changed
from shared.testing.plugin import Deliver, Headers, Published, recorded_in
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import OWNER, application

PATH = "/catalog/v1/config"
As = Callable[[Actor], Headers]
INITIAL: dict[str, Any] = {
    "currency": "USD",
    "commission_bp": 1500,
    "hold_minutes": 10,
    "lead_minutes": 120,
    "horizon_days": 60,
    "free_cancellation_hours": 24,
    "late_cancellation_fee_bp": 5000,
    "commission_rates": [],
    "cancellation_policies": [],
    "deposit": None,
    "tips_allowed": True,
    "max_open_holds": 3,
    "payment_modes": ["full"],
    "features": {"applications": True, "bookings": True, "quotes": True, "reviews": True, "registration": True},
}
STAFFS = {"commission_bp", "commission_rates"}
RATE = {"category": "ceramic", "affiliate_tier": None, "commission_bp": 1200}
POLICY = {
    "name": "flexible",
    "free_cancellation_hours": 2,
    "late_cancellation_fee_bp": 1000,
    "late_cancellation_fee_cents": None,
    "no_show_fee_bp": 10_000,
}


async def test_the_configuration_of_a_fresh_system_is_announced_exactly_once(fresh_database: Database) -> None:
    async def run() -> None:
        async with fresh_database.begin() as session:
            await announce_config(session)

    await asyncio.gather(*(run() for _ in range(5)))
    await run()
    [event] = await recorded_in(fresh_database, ConfigChanged)
    assert event.model_dump(include={"config_id", "version", *INITIAL}) == {"config_id": 1, "version": 1} | INITIAL


async def test_a_configuration_that_a_later_migration_writes_is_announced_too(
    session: AsyncSession, published: Published
) -> None:
    await announce_config(session)
    await session.execute(text("update mdh_config set hold_minutes = 20, version = version + 1"))
    session.expire_all()
    await announce_config(session)
    await session.flush()
    assert [(e.version, e.hold_minutes) for e in await published()] == [(1, 10), (2, 20)]


async def test_a_change_before_the_first_announcement_is_told_once(
    client: httpx.AsyncClient, as_: As, session: AsyncSession, published: Published
) -> None:
    await client.patch(PATH, json={"hold_minutes": 15}, headers=as_(ADMIN))
    await announce_config(session)
    await session.flush()
    assert [(e.version, e.hold_minutes) for e in await published()] == [(2, 15)]


async def test_a_change_is_announced_whole_and_kept_with_who_and_what(
    client: httpx.AsyncClient, as_: As, published: Published
) -> None:
    answer = await client.patch(
        PATH, json={"commission_bp": 1200, "currency": "CAD"}, headers=as_(ADMIN) | {"If-Match": '"1"'}
    )
    assert (answer.status_code, answer.headers["ETag"], answer.json()["commission_bp"]) == (200, '"2"', 1200)
    [event] = await published(ConfigChanged)
    told = event.model_dump(include={"config_id", "version", *INITIAL})
    assert told == {"config_id": 1, "version": 2} | INITIAL | {"commission_bp": 1200, "currency": "CAD"}
    history = (await client.get(f"{PATH}/history", headers=as_(SUPPORT))).json()["items"]
    assert [(h["version"], h["changed_by"], h["changes"]) for h in history] == [
        (2, ADMIN.user_id, {"currency": ["USD", "CAD"], "commission_bp": [1500, 1200]}),
        (1, None, {}),
    ]


async def test_what_changes_nothing_is_no_change(client: httpx.AsyncClient, as_: As, published: Published) -> None:
    answer = await client.patch(PATH, json=INITIAL, headers=as_(ADMIN))
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert await published() == []


async def test_a_stale_change_is_refused(client: httpx.AsyncClient, as_: As, published: Published) -> None:
    headers = as_(ADMIN) | {"If-Match": '"1"'}
    assert (await client.patch(PATH, json={"hold_minutes": 5}, headers=headers)).status_code == 200
    assert (await client.patch(PATH, json={"hold_minutes": 6}, headers=headers)).status_code == 412
    assert [e.hold_minutes for e in await published()] == [5]


async def test_the_public_sees_its_part_and_staff_the_commission(client: httpx.AsyncClient, as_: As) -> None:
    public = await client.get(PATH)
    assert public.headers["ETag"] == '"1"'
    assert public.json() == {k: v for k, v in INITIAL.items() if k not in STAFFS} | {"version": 1}
    assert (await client.get(PATH, headers=as_(customer(1)))).json() == public.json()
    assert (await client.get(PATH, headers=as_(SUPPORT))).json()["commission_bp"] == 1500


@pytest.mark.parametrize("who", [SUPPORT, customer(1), member(1)])
async def test_only_administrators_change_it(
    client: httpx.AsyncClient, as_: As, published: Published, who: Actor
) -> None:
    assert (await client.patch(PATH, json={"commission_bp": 0}, headers=as_(who))).status_code == 403
    assert await published() == []


async def test_its_history_is_for_staff_and_cannot_be_rewritten(
    client: httpx.AsyncClient, as_: As, session: AsyncSession
) -> None:
    assert (await client.get(f"{PATH}/history")).status_code == 401
    assert (await client.get(f"{PATH}/history", headers=as_(customer(1)))).status_code == 403
    for statement in ("update mdh_config_history set changed_by = 7", "delete from mdh_config_history"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with session.begin_nested():
                await session.execute(text(statement))


BAD: list[dict[str, Any]] = [
    {"currency": "usd"}, {"currency": "XXX"}, {"currency": "JPY"}, {"currency": None}, {"commission_bp": -1},
    {"commission_bp": 10_001}, {"commission_bp": "1500"}, {"commission_bp": 15.0}, {"commission_bp": True},
    {"hold_minutes": 0}, {"hold_minutes": 1441}, {"lead_minutes": -1}, {"lead_minutes": 43_201},
    {"lead_minutes": 1440, "horizon_days": 1}, {"horizon_days": 0}, {"horizon_days": 731},
    {"free_cancellation_hours": 721}, {"late_cancellation_fee_bp": 10_001}, {"version": 3}, {"id": 2},
    {"hold_minutes": 10**30}, {"max_open_holds": 0}, {"max_open_holds": 21}, {"tips_allowed": "yes"},
    {"payment_modes": []}, {"payment_modes": ["full", "full"]}, {"payment_modes": ["later"]}, {"payment_modes": None},
    {"tips_allowed": None}, {"features": {"reviews": "off"}}, {"features": {"revues": False}}, {"features": None},
    {"deposit": {}}, {"deposit": {"deposit_bp": 0}}, {"deposit": {"deposit_bp": 1, "minimum_cents": -1}},
    {"commission_rates": None}, {"commission_rates": [{"commission_bp": 1}]}, {"commission_rates": [RATE, RATE]},
    {"commission_rates": [RATE | {"category": "no_such_category"}]}, {"commission_rates": [RATE | {"category": "A b"}]},
    {"commission_rates": [RATE | {"affiliate_tier": ""}]}, {"commission_rates": [RATE | {"commission_bp": 10_001}]},
    {"commission_rates": [RATE | {"to": 1}]},
    {"cancellation_policies": [POLICY, POLICY | {"free_cancellation_hours": 3}]},
    {"cancellation_policies": [POLICY | {"name": "Very flexible"}]}, {"cancellation_policies": [{"name": "flexible"}]},
    {"cancellation_policies": [POLICY | {"name": f"p_{chr(97 + n)}"} for n in range(21)]},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_bad_configurations_are_refused_and_change_nothing(
    client: httpx.AsyncClient, as_: As, published: Published, bad: dict[str, Any]
) -> None:
    assert (await client.patch(PATH, json=bad, headers=as_(ADMIN))).status_code == 422
    assert await published() == []


async def test_what_is_left_out_stays(client: httpx.AsyncClient, as_: As) -> None:
    await client.patch(PATH, json={"hold_minutes": 15}, headers=as_(ADMIN))
    answer = await client.patch(PATH, json={"lead_minutes": 30}, headers=as_(ADMIN))
    assert {name: answer.json()[name] for name in INITIAL} == INITIAL | {"hold_minutes": 15, "lead_minutes": 30}


async def test_a_window_in_which_nothing_could_be_booked_is_refused(
    client: httpx.AsyncClient, as_: As, published: Published
) -> None:
    await client.patch(PATH, json={"horizon_days": 1}, headers=as_(ADMIN))
    answer = await client.patch(PATH, json={"lead_minutes": 1440}, headers=as_(ADMIN))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/nothing-bookable")
    assert [e.lead_minutes for e in await published()] == [120]


async def test_terms_are_told_whole_and_kept_readable(client: httpx.AsyncClient, as_: As, published: Published) -> None:
    wanted = {
        "commission_rates": [RATE],
        "cancellation_policies": [POLICY],
        "deposit": {"deposit_bp": 2000, "minimum_cents": 1000},
        "tips_allowed": False,
        "payment_modes": ["on_site", "full"],
        "features": {"reviews": False, "bookings": True},
    }
    answer = await client.patch(PATH, json=wanted, headers=as_(ADMIN))
    features = INITIAL["features"] | {"reviews": False}
    assert {n: answer.json()[n] for n in INITIAL} == INITIAL | wanted | {"features": features}
    assert (await client.patch(PATH, json=wanted, headers=as_(ADMIN))).headers["ETag"] == '"2"'
    await client.patch(PATH, json={"deposit": None}, headers=as_(ADMIN))
    first, second = [event.model_dump(include=set(INITIAL)) for event in await published(ConfigChanged)]
    assert first == INITIAL | wanted | {"features": features}
    assert second == first | {"deposit": None}
    history = (await client.get(f"{PATH}/history", headers=as_(ADMIN))).json()["items"]
    assert history[0]["changes"] == {"deposit": [wanted["deposit"], None]}
    assert history[1]["changes"] == {
        "commission_rates": [[], [RATE]],
        "cancellation_policies": [[], [POLICY]],
        "deposit": [None, wanted["deposit"]],
        "tips_allowed": [True, False],
        "payment_modes": [["full"], ["on_site", "full"]],
        "features.reviews": [True, False],
    }


async def test_affiliates_choose_among_the_policies_that_there_are(
    client: httpx.AsyncClient, as_: As, session: AsyncSession
) -> None:
    await client.patch(PATH, json={"cancellation_policies": [POLICY]}, headers=as_(ADMIN))
    config = await get_config(session)
    config.must_offer("flexible")
    config.must_offer(None)
    with pytest.raises(UnknownPolicy):
        config.must_offer("strict")


async def test_nobody_applies_while_applications_are_switched_off(
    client: httpx.AsyncClient, as_: As, deliver: Deliver, published: Published
) -> None:
    await deliver(config_changed(2, features={"applications": False}))
    answer = await client.post("/catalog/v1/affiliates", json=application(), headers=as_(OWNER))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/switched-off")
    assert answer.json()["feature"] == "applications"
    await deliver(config_changed(3))
    assert (await client.post("/catalog/v1/affiliates", json=application(), headers=as_(OWNER))).status_code == 201
