"""Papers in a name: of a company, on what is issued after it was given, and gone with its customer."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shared.contracts.identity import ErasureRequested, ExportRequested
from shared.contracts.payments import InvoiceIssued, PersonalDataExported
from shared.testing.plugin import Published
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, CUSTOMER, As, Till, completed
from .test_invoices import SOLD, follow, known, listed, papers, shown

PATH = "/payments/v1/billing-name"
MOSS: dict[str, Any] = {"name": "Moss & Sons LLC", "address": ["1 Mill Road", "Brooklyn, NY 11201"]}
LINES = [MOSS["name"], *MOSS["address"]]
ERASE = ErasureRequested(erasure_id=1, version=2, user_id=1007, customer_id=CUSTOMER)


async def gives(till: Till, as_: As, body: Any) -> httpx.Response:
    return await till.client.put(PATH, json=body, headers=as_(customer(CUSTOMER)))


async def paid_in_a_name(till: Till, as_: As) -> None:
    """The receipt is issued before it was given, the invoice after."""
    await known(till)
    await till.captured(**SOLD)
    await follow(till)
    assert (await gives(till, as_, MOSS)).status_code == 200
    await till.hear(completed(**SOLD))
    await follow(till)


async def seen(till: Till, as_: As) -> list[tuple[list[str], bool]]:
    """Of invoice and receipt, whose name they bear, and whether the file does."""
    found = (await till.client.get("/payments/v1/invoices", headers=as_(customer(CUSTOMER)))).json()["items"]
    files = [
        await till.client.get(f"/payments/v1/invoices/{one['id']}/pdf", headers=as_(customer(CUSTOMER)))
        for one in found
    ]
    return [(one["paper"]["billed_to"], "Moss" in shown(file)) for one, file in zip(found, files, strict=True)]


async def test_what_is_issued_after_a_name_was_given_bears_it_whatever_becomes_of_the_name(
    till: Till, as_: As, published: Published
) -> None:
    await paid_in_a_name(till, as_)
    assert await seen(till, as_) == [(LINES, True), ([], False)]
    assert [event.billed_to for event in await published(InvoiceIssued)] == ["", "\n".join(LINES)]
    assert [paper.billed_to for paper in await papers(till)] == [[], []]
    await gives(till, as_, {"name": "Another LLC"})
    assert await seen(till, as_) == [(LINES, True), ([], False)]
    assert await listed(till, as_, member(AFFILIATE)) == ["invoice", "receipt"]


async def test_a_name_is_read_replaced_and_taken_back(till: Till, as_: As) -> None:
    me, other = as_(customer(CUSTOMER)), as_(customer(CUSTOMER + 1))
    for _ in range(2):
        assert (await gives(till, as_, MOSS)).status_code == 200
    kept = (await till.client.get(PATH, headers=me)).json()
    assert (kept["name"], kept["address"]) == (MOSS["name"], MOSS["address"])
    none = await till.client.get(PATH, headers=other)
    assert (none.status_code, none.json()["type"]) == (404, "/problems/no-billing-name")
    assert (await gives(till, as_, {"name": "Moss"})).json()["address"] == []
    for _ in range(2):
        assert (await till.client.delete(PATH, headers=me)).status_code == 204
    assert (await till.client.get(PATH, headers=me)).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "a\nb"}, {"name": "x" * 201}, {"name": "a", "address": ["b"] * 6}, {"name": 1}]
)
async def test_what_is_no_name_is_refused(till: Till, as_: As, body: Any) -> None:
    assert (await gives(till, as_, body)).status_code == 422


async def test_it_is_exported_and_erased_and_the_papers_stay(till: Till, as_: As, published: Published) -> None:
    await paid_in_a_name(till, as_)
    await till.deliver(ExportRequested(export_id=1, version=1, user_id=1007, customer_id=CUSTOMER))
    [told] = await published(PersonalDataExported)
    data = json.loads(told.data)
    assert [data["billing_names"][0]["name"], data["invoice_names"][0]["lines"]] == [MOSS["name"], LINES]
    before = await papers(till)
    await till.deliver(ERASE)
    assert (await papers(till), await seen(till, as_)) == (before, [([], False), ([], False)])
    async with till.database.begin() as session:
        for table in ("billing_names", "invoice_names"):
            assert await session.scalar(text(f"select count(*) from {table}")) == 0  # noqa: S608
    refused = await gives(till, as_, MOSS)
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/no-billing-name")
