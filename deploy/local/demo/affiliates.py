"""What an affiliate's people and the platform's administrator do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from .http import Unexpected, ask, came
from .people import JSON, Person

ALWAYS = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(7)]
CONFIG = "/catalog/v1/config"
PROMOTIONS = "/catalog/v1/promotions"
METRICS = (
    "bookings_held", "bookings_confirmed", "bookings_completed", "bookings_cancelled",
    "revenue_cents", "refunds_cents", "commission_cents",
)  # fmt: skip


def tier(name: str, price_cents: int, minutes: int, *included: str) -> JSON:
    return {"name": name, "price_cents": price_cents, "duration_minutes": minutes, "included": list(included)}


def add_on(name: str, price_cents: int, minutes: int, *categories: str) -> JSON:
    return {"name": name, "price_cents": price_cents, "duration_minutes": minutes, "categories": list(categories)}


async def apply(owner: Person, name: str, zip: str) -> JSON:
    return await owner.post("/catalog/v1/affiliates", {"name": name, "email": owner.email, "zip": zip})


async def approve(admin: Person, affiliate: JSON) -> JSON:
    version = {"If-Match": f'"{affiliate["version"]}"'}
    return await admin.post(f"/catalog/v1/affiliates/{affiliate['id']}/approve", {}, expect=200, headers=version)


async def membership(owner: Person, affiliate_id: int) -> str | None:
    """As what the owner works there, once identity has heard of the application."""
    teams = (await owner.me())["affiliates"]
    return next((team["role"] for team in teams if team["affiliate_id"] == affiliate_id), None)


async def publish(owner: Person, affiliate_id: int, service: JSON) -> JSON:
    return await owner.post(f"/catalog/v1/affiliates/{affiliate_id}/services", service)


async def set_prices(owner: Person, affiliate_id: int, price_list: JSON) -> JSON:
    """In the place of whatever was there, but for the add-ons."""
    path = f"/catalog/v1/affiliates/{affiliate_id}/price-list"
    version = {"If-Match": (await owner.ask("GET", path)).headers["ETag"]}
    return (await owner.ask("PUT", path, json=price_list, headers=version)).json()  # type: ignore[no-any-return]


async def offer_add_on(owner: Person, affiliate_id: int, wanted: JSON) -> JSON:
    return await owner.post(f"/catalog/v1/affiliates/{affiliate_id}/add-ons", wanted)


async def open_hours(person: Person, affiliate_id: int, windows: list[JSON]) -> JSON | None:
    """Sets the weekly availability; None while booking has not heard of the affiliate."""
    path = f"/booking/v1/affiliates/{affiliate_id}/availability"
    try:
        return (await person.ask("PUT", path, json={"windows": windows})).json()  # type: ignore[no-any-return]
    except Unexpected as refused:
        if came(refused, 404):
            return None
        raise


async def onboarding_link(owner: Person, affiliate_id: int) -> str | None:
    """Where the owner says who they are; None while the provider has made no account."""
    try:
        return (await owner.post(f"/payments/v1/affiliates/{affiliate_id}/onboarding-links", {}))["url"]  # type: ignore[no-any-return]
    except Unexpected as refused:
        if came(refused, 404) or came(refused, 409):
            return None
        raise


async def onboard(owner: Person, stripe: str, link: str) -> None:
    """As a browser does, at the address under which this machine reaches the provider."""
    address = f"{stripe}{urlsplit(link).path}"
    await ask(owner.http, "POST", address, data={"outcome": "complete"}, expect=303)


async def payouts(owner: Person, affiliate_id: int) -> JSON | None:
    """The affiliate once its people are shown that it can be paid."""
    found = await owner.get(f"/catalog/v1/affiliates/{affiliate_id}")
    return found if found["payouts_enabled"] else None


async def money_of(owner: Person, affiliate_id: int) -> JSON:
    """What it is to be paid, which the month's statement says too."""
    [balance] = (await owner.get(f"/payments/v1/affiliates/{affiliate_id}/balance"))["items"]
    months = (await owner.get(f"/payments/v1/affiliates/{affiliate_id}/statements"))["items"]
    statement = await owner.get(f"/payments/v1/affiliates/{affiliate_id}/statements/{months[0]['month']}")
    [account] = statement["accounts"]
    if account["closing_cents"] != balance["payable_cents"]:
        raise Unexpected(f"the statement: expected {balance['payable_cents']}, came {account['closing_cents']}")
    return cast(JSON, balance)


async def complete(member: Person, booking: JSON) -> JSON:
    return await member.post(f"/booking/v1/bookings/{booking['id']}/complete", {}, expect=200)


@asynccontextmanager
async def at_short_notice(admin: Person) -> AsyncIterator[None]:
    """Bookings may begin at once, for as long as this lasts; then the lead time is what it was before."""
    before = (await admin.get(CONFIG))["lead_minutes"]
    try:
        if before:
            await set_lead(admin, 0)
        yield
    finally:
        if before:
            await set_lead(admin, before)


async def set_lead(admin: Person, minutes: int) -> Any:
    return (await admin.ask("PATCH", CONFIG, json={"lead_minutes": minutes})).json()


async def numbers_of(person: Person, affiliate_id: int, today: date) -> dict[str, int]:
    """What analytics counted for the affiliate from yesterday to tomorrow: a run may cross midnight."""
    days = {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=1)), "affiliate_id": affiliate_id}
    return {
        metric: sum(
            point["value"] for point in (await person.get("/analytics/v1/metrics", metric=metric, **days))["points"]
        )
        for metric in METRICS
    }
