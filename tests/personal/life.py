"""One customer's life on the platform, with a mark wherever something of theirs can stand."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.booking.jobs import expire_unpaid
from services.catalog.commands.config import announce_config
from services.identity.domain.account import User, UserRole
from services.payments.commands.invoices import issue_papers
from services.payments.commands.settlement import settle_intent
from services.payments.commands.webhooks import handle_webhook, receive
from services.payments.domain.letterhead import Letterhead
from services.payments.domain.provider import Decline, Intent, ProviderEvent
from shared.auth import Actor, Role
from shared.papers import PaperParty
from shared.tasks import Outside
from shared.testing.plugin import Headers
from shared.testing.tokens import ADMIN
from tests.booking.conftest import MONDAYS, next_monday
from tests.catalog import conftest as catalog_world
from tests.identity.conftest import PASSWORD, registered

from .conftest import World

MARK, PHONE = "Zwiebelfisch", "+15557012349"
EMAIL = "zwiebelfisch@example.com"
LETTERHEAD = Letterhead(PaperParty(name="The platform", details=[]), ZoneInfo("UTC"))


@dataclass(frozen=True)
class Person:
    user_id: int
    customer_id: int
    headers: Headers

    @property
    def actor(self) -> Actor:
        return Actor(user_id=self.user_id, customer_id=self.customer_id, roles=frozenset({Role.CUSTOMER}))


async def lives(world: World) -> Person:
    """Opens an account, books three times, pays, cancels, reviews, changes their name."""
    tier = await a_shop(world)
    person = await an_account(world)
    await keeps_address_and_car(world, person)
    await is_invited(world)
    billing = {"name": f"{MARK} LLC", "address": [f"17 {MARK} Road"]}
    await world.ask("PUT", "/payments/v1/billing-name", person.headers, billing)
    times = await free_times(world, tier)
    done, cancelled, unpaid = [await books(world, person, tier, time) for time in times[:3]]
    for booking in (done, cancelled):
        await pays(world, booking)
    await fails_to_pay(world, unpaid)
    await world.ask("POST", f"/booking/v1/bookings/{cancelled['id']}/cancel", person.headers, {"reason": f"{MARK} ill"})
    await completes(world, done)
    review = {"booking_id": done["id"], "rating": 4, "comment": f"Mr {MARK} was very content."}
    await world.ask("POST", "/reviews/v1/reviews", person.headers, review)
    await world.ask("PATCH", "/identity/v1/me", person.headers, {"full_name": f"Ada {MARK} Moss"})
    await runs_out(world, unpaid)
    return person


async def a_shop(world: World) -> int:
    """An approved affiliate that is open on Mondays; its tier."""
    async with world.databases["catalog"].begin() as session:
        await announce_config(session)
    async with world.databases["identity"].begin() as session:
        user = User(
            email="owner@example.com", role=UserRole.AFFILIATE, full_name="Olive Owner", locale="en-US", timezone="UTC"
        )
        session.add(user)
        await session.flush()
        owner_id = user.id
    await world.settle()
    owner, admin = world.as_(Actor(user_id=owner_id)), world.as_(ADMIN)
    shop = await world.ask("POST", "/catalog/v1/affiliates", owner, catalog_world.application())
    await world.ask("POST", f"/catalog/v1/affiliates/{shop['id']}/approve", admin)
    offer = await world.ask("POST", f"/catalog/v1/affiliates/{shop['id']}/services", owner, catalog_world.offer())
    await world.ask("PUT", f"/booking/v1/affiliates/{shop['id']}/availability", admin, MONDAYS)
    return int(offer["tiers"][0]["id"])


async def an_account(world: World) -> Person:
    """Opened over HTTP, used from a device with a name."""
    wanted = {"email": EMAIL, "full_name": f"Ada {MARK}", "phone": PHONE}
    await registered(world.clients["identity"], world.databases["identity"], **wanted)
    await world.settle()
    await is_suspended_for_a_moment(world)
    login = {"email": EMAIL, "password": PASSWORD, "device": f"{MARK}'s phone"}
    tokens = await world.ask("POST", "/identity/v1/login", None, login)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = await world.ask("GET", "/identity/v1/me", headers)
    return Person(me["id"], me["customer"]["id"], headers)


async def keeps_address_and_car(world: World, person: Person) -> None:
    address = {
        "label": MARK, "line1": f"17 {MARK} Road", "line2": MARK, "zip": "11201",
        "access_notes": f"ring at {MARK}",
    }  # fmt: skip
    await world.ask("POST", "/identity/v1/me/addresses", person.headers, address)
    car = {
        "year": 2020, "make": MARK, "model": MARK, "size_class": "suv", "color": "red", "license_plate": "ZWIEBELFI",
        "condition_notes": f"{MARK} spilled coffee",
    }  # fmt: skip
    await world.ask("POST", "/identity/v1/me/vehicles", person.headers, car)
    wanted = {"email": True, "sms": True, "wording": "2026-11"}
    await world.ask("PUT", "/identity/v1/me/consents/marketing", person.headers | {"User-Agent": MARK}, wanted)


async def is_suspended_for_a_moment(world: World) -> None:
    """Whoever of the staff does it sends keys: the answers, which are about the person, are stored as theirs."""
    staff = world.as_(ADMIN)
    [[user_id]] = await world.sql("identity", "select id from users where email = :email", email=EMAIL)
    path = f"/identity/v1/users/{user_id}"
    await world.ask("POST", f"{path}/suspend", staff | {"Idempotency-Key": "s"}, {"reason": f"Who is {MARK}?"})
    await world.ask("POST", f"{path}/reinstate", staff | {"Idempotency-Key": "r"})


async def is_invited(world: World) -> None:
    """Into the shop's team, by its owner, with a key."""
    [[owner_id, affiliate_id]] = await world.sql("identity", "select user_id, affiliate_id from affiliate_users")
    owner = world.as_(Actor(user_id=owner_id), **{"Idempotency-Key": "i"})
    wanted = {"email": EMAIL, "role": "technician"}
    await world.ask("POST", f"/identity/v1/affiliates/{affiliate_id}/invitations", owner, wanted)


async def free_times(world: World, tier: int) -> list[str]:
    day = next_monday().isoformat()
    slots = await world.ask("GET", f"/booking/v1/slots?tier_id={tier}&from={day}&to={day}&zip=11201")
    times = [slot["starts_at"] for each in slots["days"] for slot in each["slots"]]
    return [times[0], times[5], times[10]]


async def books(world: World, person: Person, tier: int, starts_at: str) -> Any:
    body = {"tier_id": tier, "starts_at": starts_at, "address": f"17 {MARK} Road", "zip": "11201"}
    return await world.ask("POST", "/booking/v1/bookings", person.headers | {"Idempotency-Key": starts_at}, body)


async def pays(world: World, booking: Any) -> None:
    """The provider tells it by a webhook that says more than we want to know."""
    reference = await reference_of(world, booking)
    intent_id = f"pi_{booking['id']}"
    intent = {
        "id": intent_id, "status": "succeeded", "amount_received": booking["price_cents"], "currency": "usd",
        "client_secret": "s", "metadata": {"mdh_reference": str(reference), "reference": str(reference)},
        "payment_method": f"pm_{MARK}", "latest_charge": "ch_1", "last_payment_error": None,
        "billing_details": {"name": f"Ada {MARK}", "email": EMAIL, "phone": PHONE},
    }  # fmt: skip
    told = Intent(intent_id, "succeeded", booking["price_cents"], "USD", "s", reference, {"id": f"pm_{MARK}"}, None)
    payments = world.databases["payments"]
    async with payments.begin() as session:
        await settle_intent(session, told)
    event = ProviderEvent(f"evt_{booking['id']}", "payment_intent.succeeded", {"data": {"object": intent}})
    async with payments.begin() as session:
        await receive(session, event)
    [[webhook_id]] = await world.sql("payments", "select id from webhooks where event_id = :id", id=event.id)
    await handle_webhook(Outside(payments), webhook_id)
    await issue_papers(Outside(payments, (LETTERHEAD,)), booking["id"])
    await is_told_of(world, booking["id"], intent["billing_details"])
    await world.settle()


async def is_told_of(world: World, booking_id: int, whose: dict[str, str]) -> None:
    """By a webhook about the card alone, whole as an earlier release kept it."""
    told = {"data": {"object": {"id": f"pm_{MARK}", "object": "payment_method", "billing_details": whose}}}
    await world.sql(
        "payments",
        "insert into webhooks (event_id, type, payload, received_at, handled_at, outcome)"
        " values (:id, 'payment_method.attached', cast(:payload as jsonb), now(), now(), 'ignored') returning id",
        id=f"evt_card_{booking_id}",
        payload=json.dumps(told),
    )


async def reference_of(world: World, booking: Any) -> Any:
    ours = "select reference from payments where booking_id = :id"
    [[reference]] = await world.sql("payments", ours, id=booking["id"])
    return reference


async def fails_to_pay(world: World, booking: Any) -> None:
    reference = await reference_of(world, booking)
    decline = Decline("ch_2", f"The card of {MARK} was declined.")
    told = Intent(f"pi_{booking['id']}", "requires_payment_method", 0, "USD", "s", reference, None, decline)
    async with world.databases["payments"].begin() as session:
        await settle_intent(session, told)
    await world.settle()


async def completes(world: World, booking: Any) -> None:
    """Its time has come and gone."""
    await world.sql(
        "booking",
        "update bookings set appointment_start = now() - interval '3 h', appointment_end = now() - interval '1 h',"
        " blocked = tstzrange(now() - interval '3 h', now()) where id = :id",
        id=booking["id"],
    )
    await world.ask(
        "POST", f"/booking/v1/bookings/{booking['id']}/complete", world.as_(ADMIN, **{"Idempotency-Key": "c"}), {}
    )


async def runs_out(world: World, booking: Any) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    await world.sql(
        "booking", "update bookings set hold_expires_at = :past where id = :id", past=past, id=booking["id"]
    )
    async with world.databases["booking"].begin() as session:
        await expire_unpaid(session)
    await world.settle()
