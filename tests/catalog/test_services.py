"""Offers: published, revised, withdrawn, read."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from services.catalog.domain import service as rules
from shared.auth import Actor
from shared.contracts.catalog import OfferChanged, OfferPublished, OfferWithdrawn
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import SUPPORT, customer

from .conftest import OWNER, Json, Made, offer, revision, tier

As = Callable[[Actor], Headers]
Statements = Callable[[], AbstractContextManager[list[str]]]


def of(affiliate: Json) -> str:
    return f"/catalog/v1/affiliates/{affiliate['id']}/services"


def at(service: Json) -> str:
    return f"/catalog/v1/services/{service['id']}"


async def test_a_service_is_published_with_its_tiers_in_one_request(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    affiliate = await approved()
    body = offer(tiers=[tier(), tier(name="Silver", price_cents=9_900, included=[])])
    answer = await client.post(of(affiliate), json=body, headers=as_(OWNER))
    service = answer.json()
    assert (answer.status_code, answer.headers["ETag"], answer.headers["Location"]) == (201, '"1"', at(service))
    assert [t["name"] for t in service["tiers"]] == ["Gold", "Silver"]
    [event] = await published(OfferPublished)
    assert (event.service_id, event.affiliate_id, event.version, event.active) == (
        service["id"],
        affiliate["id"],
        1,
        True,
    )
    assert [(t.tier_id, t.price_cents, t.version, t.active) for t in event.tiers] == [
        (service["tiers"][0]["id"], 18_900, 1, True),
        (service["tiers"][1]["id"], 9_900, 1, True),
    ]


async def test_a_tier_sent_with_its_id_stays_itself_and_one_not_sent_is_announced_inactive(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    service = await offered(await approved(), tiers=[tier(), tier(name="Silver")])
    gold, silver = service["tiers"]
    body = revision(service, tiers=[tier(name="Bronze", price_cents=4_900), gold | {"price_cents": 20_000}])
    answer = await client.put(at(service), json=body, headers=as_(OWNER) | {"If-Match": '"1"'})
    revised = answer.json()
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert [t["name"] for t in revised["tiers"]] == ["Bronze", "Gold"]
    assert (revised["tiers"][1]["id"], revised["tiers"][1]["price_cents"]) == (gold["id"], 20_000)
    [event] = await published(OfferChanged)
    assert {t.tier_id: t.active for t in event.tiers} == {
        gold["id"]: True,
        silver["id"]: False,
        revised["tiers"][0]["id"]: True,
    }
    assert {t.version for t in event.tiers} == {2}
    back = await client.put(at(service), json=revision(revised, tiers=[silver]), headers=as_(OWNER))
    assert (back.status_code, back.json()["type"]) == (422, "/problems/unknown-tier")


async def test_a_withdrawn_service_is_gone_and_announced_with_all_tiers_inactive(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    late = await client.delete(at(service), headers=as_(OWNER) | {"If-Match": '"9"'})
    assert late.status_code == 412
    assert (await client.delete(at(service), headers=as_(OWNER) | {"If-Match": '"1"'})).status_code == 204
    assert (await client.get(at(service), headers=as_(OWNER))).status_code == 404
    assert (await client.delete(at(service), headers=as_(OWNER))).status_code == 404
    assert (await client.get(of(affiliate), headers=as_(OWNER))).json()["items"] == []
    [event] = await published(OfferWithdrawn)
    assert (event.active, event.version, [t.active for t in event.tiers]) == (False, 2, [False])


async def test_a_stale_revision_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    service = await offered(await approved())
    body = revision(service, name="Other")
    assert (await client.put(at(service), json=body, headers=as_(OWNER) | {"If-Match": '"1"'})).status_code == 200
    assert (await client.put(at(service), json=body, headers=as_(OWNER) | {"If-Match": '"1"'})).status_code == 412
    assert len(await published(OfferChanged)) == 1


async def test_the_public_sees_what_is_offered_and_the_team_also_what_is_not(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made
) -> None:
    affiliate = await approved()
    shown = await offered(affiliate, tiers=[tier(), tier(name="Silver", active=False)])
    hidden = await offered(affiliate, name="Winter", active=False)
    public = (await client.get(of(affiliate))).json()["items"]
    assert [(s["id"], [t["name"] for t in s["tiers"]]) for s in public] == [(shown["id"], ["Gold"])]
    team = (await client.get(of(affiliate), headers=as_(OWNER))).json()["items"]
    assert [(s["id"], len(s["tiers"])) for s in team] == [(shown["id"], 2), (hidden["id"], 1)]
    assert [len((await client.get(at(shown))).json()["tiers"]), (await client.get(at(hidden))).status_code] == [1, 404]
    assert (await client.get(at(hidden), headers=as_(SUPPORT))).status_code == 200


async def test_offers_of_an_affiliate_not_yet_approved_are_made_but_not_shown(
    client: httpx.AsyncClient, as_: As, applied: Made, offered: Made
) -> None:
    affiliate = await applied()
    service = await offered(affiliate)
    for path in (of(affiliate), at(service)):
        assert (await client.get(path)).status_code == 404
        assert (await client.get(path, headers=as_(customer(4)))).status_code == 404
        assert (await client.get(path, headers=as_(OWNER))).status_code == 200


async def test_a_tier_of_another_service_cannot_be_taken_over(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    affiliate = await approved()
    mine, other = await offered(affiliate), await offered(affiliate, name="Other")
    stolen = revision(mine, tiers=other["tiers"])
    answer = await client.put(at(mine), json=stolen, headers=as_(OWNER))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-tier")
    twice = await client.put(at(mine), json=revision(mine, tiers=mine["tiers"] * 2), headers=as_(OWNER))
    assert twice.json()["type"] == "/problems/unknown-tier"
    assert await published(OfferChanged) == []


async def test_an_unknown_category_is_refused_and_the_known_ones_are_listed(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    answer = await client.post(of(await approved()), json=offer(category="boats"), headers=as_(OWNER))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-category")
    assert await published(OfferPublished) == []
    listed = (await client.get("/catalog/v1/categories")).json()["items"]
    assert [c["slug"] for c in listed] == ["exterior", "interior", "full", "ceramic", "paint_correction"]


async def test_an_affiliate_offers_at_most_so_many_services(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.catalog.commands.services.MAX_SERVICES", 1)
    affiliate = await approved()
    await offered(affiliate)
    answer = await client.post(of(affiliate), json=offer(), headers=as_(OWNER))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-many-services")


async def test_tiers_cannot_be_replaced_without_end(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_TIERS_EVER", 2)
    service = await offered(await approved())
    body = revision(service, tiers=[tier()])
    assert (await client.put(at(service), json=body, headers=as_(OWNER))).status_code == 200
    answer = await client.put(at(service), json=body, headers=as_(OWNER))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-many-tiers")


async def test_the_same_key_publishes_once(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published
) -> None:
    path, headers = of(await approved()), as_(OWNER) | {"Idempotency-Key": "k"}
    first = await client.post(path, json=offer(), headers=headers)
    second = await client.post(path, json=offer(), headers=headers)
    assert second.content == first.content
    assert len(await published(OfferPublished)) == 1


async def test_reading_offers_takes_four_statements_however_many_there_are(
    client: httpx.AsyncClient, approved: Made, offered: Made, statements: Statements
) -> None:
    affiliate = await approved()
    for n in range(4):
        await offered(affiliate, name=f"Service {n}", tiers=[tier(), tier(name="Silver")])
        with statements() as sent:
            assert len((await client.get(of(affiliate))).json()["items"]) == n + 1
        assert len(sent) == 4


async def test_the_public_list_is_answered_by_its_tag_until_a_price_changes(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    first = await client.get(of(affiliate))
    assert first.headers["Cache-Control"] == "public, max-age=2"
    known = {"If-None-Match": f"W/{first.headers['ETag']}"}
    same = await client.get(of(affiliate), headers=known)
    assert (same.status_code, same.content) == (304, b"")
    dearer = [service["tiers"][0] | {"price_cents": 50}]
    await client.put(at(service), json=revision(service, tiers=dearer), headers=as_(OWNER))
    assert (await client.get(of(affiliate), headers=known)).status_code == 200
    assert (await client.get(of(affiliate), headers=as_(OWNER))).headers["Cache-Control"] == "no-store"
