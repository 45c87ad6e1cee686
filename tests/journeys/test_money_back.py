"""Money that goes back: by staff, however often they click, and by the customer's bank. Through the gateway."""

import asyncio
from collections import Counter
from datetime import timedelta
from secrets import token_hex

import httpx

from deploy.local.demo import customers, outside
from deploy.local.demo.http import until
from deploy.local.demo.people import JSON, Person

from ..running import PATIENCE, PRICE, ZIP, RunningSystem, Shop

NOTICE = timedelta(hours=3)  # more than the lead time


async def paid(system: RunningSystem, shop: Shop, http: httpx.AsyncClient, card: str) -> tuple[Person, JSON, JSON]:
    """A customer, the booking that they have paid for, and the payment."""
    person = await system.person(http, "customer")
    slot = await customers.first_slot(person, shop.tier["id"], after=NOTICE)
    assert slot
    taken = await customers.take(person, customers.booking_request(shop.tier, slot, ZIP), token_hex(16))
    booking: JSON = taken.json()
    payment = await until("payment", lambda: customers.payment_of(person, booking["id"]), PATIENCE)
    await customers.pay(person, system.site.stripe, payment, card)
    await until("confirmed", lambda: customers.booking(person, booking["id"], "confirmed"), PATIENCE)
    return person, booking, payment


async def told(person: Person, kind: str) -> None:
    async def heard() -> bool | None:
        return kind in await customers.notices(person) or None

    await until(kind, heard, PATIENCE)


async def test_a_refund_that_is_asked_for_many_times_at_once_goes_back_once(
    system: RunningSystem, shop: Shop, http: httpx.AsyncClient
) -> None:
    admin = await system.admin(http)
    person, _, payment = await paid(system, shop, http, "pm_card_visa")
    path = f"/payments/v1/payments/{payment['id']}/refund-requests"
    body = {"amount_cents": PRICE, "reason": "The team never came."}
    headers = {"Authorization": f"Bearer {admin.token}"}
    answers = await asyncio.gather(*(http.post(path, json=body, headers=headers) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    intent = customers.intent_of(payment)

    async def back() -> JSON | None:
        moved = await outside.ledger(http, system.site.stripe, intent)
        return moved if moved.get("refunded") else None

    moved = await until("the money is back", back, PATIENCE)
    assert (moved["charges"], moved["refunds"], moved["net"]) == (1, 1, 0)
    await told(person, "payment_refunded")


async def test_a_disputed_payment_is_held_back_until_it_is_won_and_both_sides_are_told(
    system: RunningSystem, shop: Shop, http: httpx.AsyncClient
) -> None:
    owner = shop.owner
    await owner.refresh()  # the token of the first day does not name the shop yet
    person, booking, _ = await paid(system, shop, http, "pm_card_createDispute")

    async def disputed(status: str) -> JSON | None:
        items = (await owner.get("/payments/v1/disputes"))["items"]
        return next((one for one in items if (one["booking_id"], one["status"]) == (booking["id"], status)), None)

    async def held_back() -> int:
        [balance] = (await owner.get(f"/payments/v1/affiliates/{shop.affiliate['id']}/balance"))["items"]
        return int(balance["held_back_cents"])

    dispute = await until("dispute", lambda: disputed("needs_response"), PATIENCE)
    assert (dispute["withdrawn_cents"], dispute["evidence_due_by"] is None) == (PRICE, False)
    assert await held_back() > 0
    for someone, kind in ((person, "dispute_noted"), (owner, "dispute_opened")):
        await told(someone, kind)
    page = f"{system.site.stripe}/disputes/{dispute['stripe_dispute_id']}"
    assert (await http.post(page, data={"evidence": "winning_evidence"})).status_code == 303
    won = await until("won", lambda: disputed("won"), PATIENCE)
    assert (won["withdrawn_cents"], await held_back()) == (0, 0)
    for someone, kind in ((person, "dispute_decided"), (owner, "dispute_won")):
        await told(someone, kind)
    heard = Counter(await customers.notices(person)) + Counter(await customers.notices(owner))
    assert [heard[kind] for kind in ("dispute_noted", "dispute_opened", "dispute_decided", "dispute_won")] == [1] * 4
