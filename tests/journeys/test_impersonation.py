"""Support acts for a user through the gateway: what follows in other services leads back to it."""

from typing import Any

import httpx
from sqlalchemy import text

from deploy.local.demo import customers
from deploy.local.demo.http import until
from deploy.local.demo.people import Person
from shared.db import Database

from ..running import PATIENCE, ZIP, RunningSystem, Shop

BOOKINGS, PAYMENTS = "/booking/v1/bookings", "/payments/v1/payments"
REASON = "Asked by phone to book for them."
TRAIL = "select event_id, type, actor, causation_id from business_events where"


async def rows(system: RunningSystem, service: str, sql: str, **values: Any) -> list[Any]:
    database = Database(system.site.databases[service], pool_size=1, application_name="tests")
    try:
        async with database.read() as session:
            return list((await session.execute(text(sql), values)).all())
    finally:
        await database.close()


async def test_what_support_does_for_a_customer_is_marked_in_every_trail_and_is_never_about_money(
    system: RunningSystem, http: httpx.AsyncClient, shop: Shop
) -> None:
    admin, customer = await system.admin(http), await system.person(http, "customer")
    staff_id, user_id = (await admin.me())["id"], (await customer.me())["id"]
    begun = await admin.post("/identity/v1/impersonations", {"user_id": user_id, "reason": REASON})
    acting = Person(http, "Support", "", "", token=begun["access_token"])

    slot = await customers.first_slot(shop.owner, shop.tier["id"])
    assert slot
    booking = await acting.post(BOOKINGS, customers.booking_request(shop.tier, slot, ZIP))
    payment = await until("the payment", lambda: payable(customer, booking["id"]), PATIENCE)
    shown = await acting.get(PAYMENTS, booking_id=booking["id"])
    assert (payment["client_secret"] is None, shown["client_secret"], shown["publishable_key"]) == (False, None, None)
    refused = await http.post(
        f"{BOOKINGS}/{booking['id']}/cancel",
        json={"reason": "rain"},
        headers={"Authorization": f"Bearer {acting.token}"},
    )
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-while-impersonating")

    in_name = f"user:{staff_id} as user:{user_id}"
    [intent] = await rows(system, "payments", f"{TRAIL} payload->>'booking_id' = :id", id=str(booking["id"]))
    assert (intent.type, intent.actor) == ("payments.intent_created.v1", f"service:payments for {in_name}")
    [held] = await rows(system, "booking", f"{TRAIL} event_id = cast(:id as uuid)", id=intent.causation_id)
    assert (held.type, held.actor) == ("booking.held.v1", in_name)
    mailed = "select notice from communications where cause_event_id = :id"
    notices = await until("the mail", lambda: some(rows(system, "notifications", mailed, id=held.event_id)), PATIENCE)
    assert [row.notice for row in notices] == ["booking_held"]
    begins = f"{TRAIL} type = 'identity.impersonation_started.v1' and payload->>'user_id' = :id"
    [beginning] = await rows(system, "identity", begins, id=str(user_id))
    assert beginning.actor == f"user:{staff_id}"
    [listed] = (await admin.get("/identity/v1/impersonations", limit=1))["items"]
    assert (listed["staff_id"], listed["user_id"], listed["reason"]) == (staff_id, user_id, REASON)


async def payable(customer: Person, booking_id: int) -> dict[str, Any] | None:
    payment = await customer.find(PAYMENTS, booking_id=booking_id)
    return payment if payment and payment["client_secret"] else None


async def some(found: Any) -> list[Any] | None:
    return await found or None
