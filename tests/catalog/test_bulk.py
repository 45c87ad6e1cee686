"""An affiliate's services as a file, over HTTP."""

import csv
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import StringIO
from typing import Any

import httpx
import pytest

from shared.auth import Actor
from shared.contracts.catalog import OfferChanged, OfferPublished
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import SUPPORT, customer

from .conftest import OWNER, Json, Made, sheet, tier

As = Callable[[Actor], Headers]
Statements = Callable[[], AbstractContextManager[list[str]]]
NASTY = '=HYPERLINK("https://evil.example")'


def of(affiliate: Json) -> str:
    return f"/catalog/v1/affiliates/{affiliate['id']}/services"


@pytest.fixture
def imported(client: httpx.AsyncClient, as_: As) -> Callable[..., Any]:
    async def take(affiliate: Json, content: str | bytes, **params: Any) -> httpx.Response:
        headers = as_(OWNER) | {"Content-Type": "text/csv; charset=utf-8"} | params.pop("headers", {})
        return await client.post(f"{of(affiliate)}/import", content=content, headers=headers, params=params)

    return take


async def test_what_is_exported_and_imported_again_changes_nothing_and_is_not_told(
    client: httpx.AsyncClient,
    as_: As,
    approved: Made,
    offered: Made,
    published: Published,
    imported: Callable[..., Any],
) -> None:
    affiliate = await approved()
    sizes = [{"size_class": "suv", "price_cents": 25_000}]
    nasty = tier(name="-5", included=[NASTY, "a, b", 'a "b"'], size_prices=sizes, active=False)
    first = await offered(affiliate, name=NASTY, description="\r\n+1\t'", tiers=[tier(), nasty])
    second = await offered(affiliate, name="'=x", active=False)
    answer = await client.get(f"{of(affiliate)}/export", headers=as_(SUPPORT))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="services-{affiliate["id"]}.csv"'
    rows = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [(row["service_id"], row["tier"], row["price_cents_suv"]) for row in rows] == [
        (str(first["id"]), "Gold", ""), (str(first["id"]), "'-5", "25000"), (str(second["id"]), "Gold", ""),
    ]  # fmt: skip
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@\t\r\n"))]
    before = len(await published())
    told = (await imported(affiliate, answer.content)).json()
    assert [(one["service_id"], one["outcome"]) for one in told["services"]] == [
        (first["id"], "unchanged"), (second["id"], "unchanged"),
    ]  # fmt: skip
    assert len(await published()) == before


async def test_a_file_adds_and_changes_and_leaves_the_rest(
    client: httpx.AsyncClient,
    as_: As,
    approved: Made,
    offered: Made,
    published: Published,
    imported: Callable[..., Any],
) -> None:
    affiliate = await approved()
    mine = await offered(affiliate, photo_urls=["https://photos.example/1.jpg"], tiers=[tier(), tier(name="Silver")])
    await offered(affiliate, name="Not mentioned")
    ids = {"service_id": str(mine["id"]), "tier_id": str(mine["tiers"][1]["id"])}
    content = sheet(
        {"service": "New", "included": "Wax\nClay", "price_cents_suv": "25000"},
        {"service": "New", "tier": "Silver"},
        ids | {"tier": "Silver", "price_cents": "9900", "description": "All of it."},
    )
    answer = await imported(affiliate, content)
    assert (answer.status_code, answer.json()["dry_run"]) == (200, False)
    assert [(one["line"], one["name"], one["outcome"]) for one in answer.json()["services"]] == [
        (2, "New", "added"), (5, "Full detail", "changed"),
    ]  # fmt: skip
    shown = (await client.get(of(affiliate), headers=as_(OWNER))).json()["items"]
    assert [s["name"] for s in shown] == ["Full detail", "Not mentioned", "New"]
    assert [(t["name"], t["price_cents"]) for t in shown[0]["tiers"]] == [("Gold", 18_900), ("Silver", 9_900)]
    assert (shown[0]["photo_urls"], shown[0]["version"]) == (mine["photo_urls"], 2)
    assert (shown[2]["tiers"][0]["included"], shown[2]["tiers"][0]["size_prices"]) == (
        ["Wax", "Clay"], [{"size_class": "suv", "price_cents": 25_000}],
    )  # fmt: skip
    assert [e.service_id for e in await published(OfferChanged)] == [mine["id"]]
    assert answer.json()["services"][0]["service_id"] == (await published(OfferPublished))[-1].service_id


async def test_a_dry_run_tells_the_same_and_does_nothing(
    approved: Made, offered: Made, published: Published, imported: Callable[..., Any]
) -> None:
    affiliate = await approved()
    mine = await offered(affiliate)
    before = len(await published())
    content = sheet({"service": "New"}, {"service_id": str(mine["id"]), "price_cents": "50"})
    dry, wet = [(await imported(affiliate, content, dry_run=dry)).json() for dry in (True, False)]
    assert (dry["dry_run"], [s["outcome"] for s in dry["services"]]) == (True, ["added", "changed"])
    assert [s["outcome"] for s in wet["services"]] == ["added", "changed"]
    assert (dry["services"][0]["service_id"], dry["services"][1]["service_id"]) == (None, mine["id"])
    assert len(await published()) == before + 2


async def test_one_bad_line_and_nothing_is_taken(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published, imported: Callable[..., Any]
) -> None:
    affiliate = await approved()
    good, bad, worse = {"service": "A"}, {"service": "B", "price_cents": "zqx"}, {"service": "C", "tier_active": "zqx"}
    answer = await imported(affiliate, sheet(good, bad, worse))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-sheet")
    assert [(e["line"], e["column"]) for e in answer.json()["errors"]] == [(3, "price_cents"), (4, "tier_active")]
    assert "zqx" not in answer.text
    late = await imported(affiliate, sheet(good, {"service": "B", "category": "boats"}))
    assert [(e["line"], e["column"]) for e in late.json()["errors"]] == [(3, "category")]
    assert await published(OfferPublished) == []
    assert (await client.get(of(affiliate), headers=as_(OWNER))).json()["items"] == []


async def test_what_is_anothers_cannot_be_named(
    approved: Made, offered: Made, published: Published, imported: Callable[..., Any]
) -> None:
    mine, other = await approved(), await approved(customer(1))
    foreign = await offered(other, customer(1))
    ids = {"service_id": str(foreign["id"]), "tier_id": str(foreign["tiers"][0]["id"])}
    for wanted in (ids, {"tier_id": ids["tier_id"]}):
        answer = await imported(mine, sheet(wanted))
        assert answer.status_code == 422
        assert {e["column"] for e in answer.json()["errors"]} <= {"service_id", "tier_id"}
    assert await published(OfferChanged) == []


async def test_the_same_key_imports_once(approved: Made, published: Published, imported: Callable[..., Any]) -> None:
    affiliate, key = await approved(), {"headers": {"Idempotency-Key": "k"}}
    first, second = [await imported(affiliate, sheet(service="New"), **key) for _ in range(2)]
    assert (first.status_code, second.content) == (200, first.content)
    assert len(await published(OfferPublished)) == 1
    other = await imported(affiliate, sheet(service="Other"), headers={"Idempotency-Key": "k"})
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    again = await imported(affiliate, sheet(service="New"))
    assert [(e["line"], e["column"]) for e in again.json()["errors"]] == [(2, "service")]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (sheet(service="A").encode(), "application/json", 415),
        (sheet(service="A").encode(), "", 415),
        (sheet(service="A").encode("utf-16"), "text/csv", 415),
        (sheet(service="A").encode(), "text/csv; charset=latin-1", 415),
        (b"\xff\xfe", "text/csv", 415),
        (b"\xed\xa0\x80", "text/csv", 415),
        (b"x" * 1_000_001, "text/csv", 413),
        (b"", "text/csv", 422),
        (b"{}", "text/csv", 422),
        (sheet(service="a\0b").encode(), "text/csv", 422),
        (sheet(service="A").encode() + b'"', "text/csv", 422),
        (sheet(*[{"service": "A"}] * 2_001).encode(), "text/csv", 422),
    ],
    ids=range(12),
)
async def test_what_is_no_such_file_is_refused(
    approved: Made, published: Published, imported: Callable[..., Any], content: bytes, kind: str, status: int
) -> None:
    answer = await imported(await approved(), content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert await published(OfferPublished) == []


async def test_an_export_of_nothing_is_a_header_to_fill_in(
    client: httpx.AsyncClient, as_: As, approved: Made, imported: Callable[..., Any], statements: Statements
) -> None:
    affiliate = await approved()
    with statements() as sent:
        empty = await client.get(f"{of(affiliate)}/export", headers=as_(OWNER))
    assert len(sent) == 2
    assert empty.text.removeprefix("\ufeff").startswith("service_id,category,service,")
    assert (await imported(affiliate, empty.content)).json() == {"dry_run": False, "services": []}
