"""An affiliate's money: earned, waited for, transferred to the account that its owner has opened, and accounted for."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import httpx
from pypdf import PdfReader
from sqlalchemy import text

from deploy.local.demo import affiliates, customers
from deploy.local.demo.http import ask, until
from deploy.local.demo.people import JSON, Person
from shared.db import Database

from ..running import PATIENCE, PRICE, ZIP, RunningSystem, Shop
from .test_money_back import told

SOON = timedelta(minutes=59)  # a job can be completed from an hour before it begins
SHARE = PRICE - 885  # less the commission, 15 %
FUNDS_ARRIVE = timedelta(days=3)  # with the provider, after two days
LONGER_AGO = [
    "update payments set captured_at = captured_at - make_interval(days => :days) where booking_id = :booking",
    "update bookings set final_at = final_at - make_interval(days => :days) where booking_id = :booking",
]
LOOK_AGAIN = [
    "update payout_accounts set payouts_checked_at = now() - interval '2 hours' where affiliate_id = :affiliate",
    "update jobs set next_run_at = now() where name = 'pay_affiliates'",
]


async def earned(system: RunningSystem, shop: Shop, http: httpx.AsyncClient) -> JSON:
    """A job that is paid for and done."""
    admin, customer = await system.admin(http), await system.person(http, "customer")

    async def slot() -> datetime | None:
        first = await customers.first_slot(customer, shop.tier["id"])
        return first if first and first - datetime.now(UTC) < SOON else None

    async with affiliates.at_short_notice(admin):
        wanted = customers.booking_request(shop.tier, await until("a slot", slot, PATIENCE), ZIP)
        booking: JSON = (await customers.take(customer, wanted, token_hex(16))).json()
    payment = await until("payment", lambda: customers.payment_of(customer, booking["id"]), PATIENCE)
    await customers.pay(customer, system.site.stripe, payment)
    await until("confirmed", lambda: customers.booking(customer, booking["id"], "confirmed"), PATIENCE)
    return await affiliates.complete(admin, booking)


async def days_pass(system: RunningSystem, booking: JSON, days: int) -> None:
    """As payments sees it; and whoever is due is looked at now."""
    of = {"booking": booking["id"], "affiliate": booking["affiliate_id"], "days": days}
    database = Database(system.site.databases["payments"], pool_size=1, application_name="tests")
    try:
        async with database.begin() as session:
            for statement in (*LONGER_AGO, *LOOK_AGAIN):
                await session.execute(text(statement), of)
    finally:
        await database.close()


@asynccontextmanager
async def funds_arrived(system: RunningSystem, http: httpx.AsyncClient) -> AsyncIterator[None]:
    """On the provider's own clock, for as long as this lasts."""
    clock = f"{system.site.stripe}/_sandbox/clock"
    await ask(http, "PUT", clock, json={"offset_seconds": int(FUNDS_ARRIVE.total_seconds())})
    try:
        yield
    finally:
        await ask(http, "PUT", clock, json={"offset_seconds": 0})


async def transfers_beside(system: RunningSystem, http: httpx.AsyncClient, transfer: str) -> list[int]:
    """All that ever left for the account of this one, by the provider's own ledger."""
    moved = (await ask(http, "GET", f"{system.site.stripe}/_sandbox/ledger")).json()["transfers"]
    [account] = [one["destination"] for one in moved if one["transfer"] == transfer]
    return [one["amount"] for one in moved if one["destination"] == account]


async def statement_says(owner: Person, of: str, payout: JSON) -> None:
    """The same in each form: the money came, and left."""
    kinds, amounts, paper = [], [], ""
    for month in reversed([one["month"] for one in (await owner.get(f"{of}/statements"))["items"]]):
        [account] = (await owner.get(f"{of}/statements/{month}"))["accounts"]
        kinds += [(line["kind"], line["amount_cents"]) for line in account["lines"] if line["kind"] != "opening"]
        sheet = (await owner.ask("GET", f"{of}/statements/{month}/csv")).text
        amounts += [row["amount"] for row in csv.DictReader(io.StringIO(sheet)) if row["kind"] != "opening"]
        file = (await owner.ask("GET", f"{of}/statements/{month}/pdf")).content
        paper += "".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages)
    assert kinds == [("payment", SHARE), ("payout", -SHARE)]
    assert amounts == ["50.15", "-50.15"]
    assert f"Payout {payout['id']}" in paper
    assert account["closing_cents"] == 0


async def test_an_affiliate_gets_its_money_once_after_the_hold_and_is_told_what_it_is(
    system: RunningSystem, http: httpx.AsyncClient
) -> None:
    shop = await system.shop(http)
    owner, of = shop.owner, f"/payments/v1/affiliates/{shop.affiliate['id']}"
    await until("membership", lambda: affiliates.membership(owner, shop.affiliate["id"]), PATIENCE)
    await owner.refresh()
    link = await until("link", lambda: affiliates.onboarding_link(owner, shop.affiliate["id"]), PATIENCE)
    booking = await earned(system, shop, http)

    async def balance() -> JSON | None:
        items = (await owner.get(f"{of}/balance"))["items"]
        return items[0] if items and items[0]["payable_cents"] == SHARE else None

    async def payouts(wanted: str) -> list[JSON] | None:
        items: list[JSON] = (await owner.get(f"{of}/payouts"))["items"]
        return items if [one["status"] for one in items] == [wanted] else None

    waits = await until("earned", balance, PATIENCE)
    assert (waits["payable_cents"], waits["due_cents"]) == (SHARE, 0)
    async with funds_arrived(system, http):
        await days_pass(system, booking, 8)
        assert (await owner.get(f"{of}/payouts"))["items"] == []  # nobody knows yet where to
        await affiliates.onboard(owner, system.site.stripe, link)
        await until("complete", lambda: affiliates.payouts(owner, shop.affiliate["id"]), PATIENCE)
        await days_pass(system, booking, 0)
        [payout] = await until("paid out", lambda: payouts("paid"), PATIENCE)
        await days_pass(system, booking, 0)
        await system.rest()
    assert await transfers_beside(system, http, payout["stripe_transfer_id"]) == [SHARE]
    assert await payouts("paid") == [payout]
    await told(owner, "paid_out")
    await statement_says(owner, of, payout)
