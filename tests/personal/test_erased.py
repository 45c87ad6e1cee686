"""P20: a person who was erased is found nowhere, in no form, in no database; and the books are whole."""

from datetime import timedelta

import pytest

from services.booking import personal as booking_personal
from services.identity.commands.erasures import begin_due_erasures
from shared.clock import now
from shared.contracts.booking import BookingEvent
from shared.contracts.identity import UserErased, UserEvent
from shared.contracts.payments import PaymentEvent
from shared.contracts.reviews import ReviewEvent
from shared.provision import SERVICES
from tests.identity.conftest import PASSWORD

from .conftest import World
from .life import EMAIL, MARK, PHONE, Person, lives
from .marks import tables_with

LOOK_UP = "/identity/v1/erasures/look-up"
HOLDING = {"identity", "booking", "payments", "reviews", "notifications"}  # analytics and catalog never learn a mark
BOOKS = {
    "payments": "select sum(captured_cents), sum(refunded_cents), sum(refunds_due_cents), count(*) from payments",
    "booking": "select sum(price_cents), sum(paid_cents), sum(refund_cents), count(*) from bookings",
    "reviews": "select sum(rating_sum), sum(review_count) from affiliate_ratings",
    "analytics": "select sum(metric_value), count(*) from business_metrics",
}
VERSIONS = "select aggregate_type, aggregate_id, aggregate_version from business_events order by id"


async def found(world: World) -> dict[str, list[str]]:
    """Service by service, in which tables any of the marks is, in any form."""
    places = {service: await tables_with(database, MARK, PHONE, EMAIL) for service, database in world.databases.items()}
    return {service: tables for service, tables in places.items() if tables}


async def books(world: World) -> dict[str, object]:
    return {service: await world.sql(service, sums) for service, sums in BOOKS.items()}


async def erase(world: World, person: Person) -> dict[str, object]:
    """All the way, and what the receipt says."""
    started = await world.ask("POST", "/identity/v1/me/erasure", person.headers, {"password": PASSWORD})
    async with world.databases["identity"].begin() as session:
        await begin_due_erasures(session, now() + timedelta(minutes=3), limit=10)
    await world.settle()
    shown: dict[str, object] = await world.ask("POST", LOOK_UP, body={"token": started["secret"]})
    return shown


@pytest.fixture
async def person(world: World) -> Person:
    person = await lives(world)
    assert set(await found(world)) == HOLDING, "the marks are not where they should be before an erasure"
    return person


async def test_an_erased_person_is_found_nowhere_and_the_books_are_whole(
    world: World, person: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    before, versions = await books(world), {s: await world.sql(s, VERSIONS) for s in SERVICES}
    shown = await erase(world, person)
    assert (shown["status"], shown["missing"]) == ("done", [])
    assert await found(world) == {}
    after = await books(world)
    assert {s: after[s] for s in ("payments", "booking", "reviews")} == {
        s: before[s] for s in ("payments", "booking", "reviews")
    }
    assert after["analytics"] == before["analytics"]
    for service, told in versions.items():
        assert (await world.sql(service, VERSIONS))[: len(told)] == told
    assert [event.user_id for _, event in world.told if isinstance(event, UserErased)] == [person.user_id]
    out, err = capfd.readouterr()
    assert not [mark for mark in (MARK, PHONE, EMAIL) if mark.lower() in (out + err).lower()]


async def test_what_was_told_before_and_comes_after_brings_nothing_back(world: World, person: Person) -> None:
    await erase(world, person)
    await world.hear_again(UserEvent, BookingEvent, PaymentEvent, ReviewEvent)
    assert await found(world) == {}


async def test_what_is_told_of_them_afterwards_has_the_erased_values(world: World, person: Person) -> None:
    """The relay publishes once more what is still in the trail."""
    await erase(world, person)
    world.told.clear()
    for service in SERVICES:
        await world.sql(service, "insert into outbox (business_event_id) select id from business_events order by id")
    await world.settle()
    assert not [event for _, event in world.told if MARK in event.model_dump_json()]
    assert await found(world) == {}


async def test_without_one_services_eraser_the_mark_is_found(
    world: World, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    object.__setattr__(booking_personal.personal, "tables", ())
    try:
        await erase(world, person)
    finally:
        object.__setattr__(booking_personal.personal, "tables", booking_personal.TABLES)
    assert await found(world) == {"booking": ["bookings", "idempotency_keys"]}


@pytest.mark.parametrize("service", ["identity", "booking", "payments"])
async def test_without_the_keys_end_the_trail_still_opens(world: World, person: Person, service: str) -> None:
    """The negative control of the seal: with its key kept, a service would tell the mark again."""
    kept = await world.sql(service, "select person, key from person_keys")
    await erase(world, person)
    for who, key in kept:
        await world.sql(service, "insert into person_keys (person, key) values (:who, :key)", who=who, key=key)
    world.told.clear()
    await world.sql(
        service, "insert into outbox (business_event_id) select id from business_events where sealed is not null"
    )
    told = [event for _, event in await world.take(service)]
    assert [event for event in told if MARK in event.model_dump_json()] or service == "notifications"


async def test_an_export_shows_every_mark_that_an_erasure_takes_out(world: World, person: Person) -> None:
    await world.ask("POST", "/identity/v1/me/exports", person.headers)
    state = await world.ask("GET", "/identity/v1/me/export", person.headers)
    assert state["status"] == "ready"
    archive = await world.ask("GET", state["path"], person.headers)
    services = archive["services"]
    told = {service for service in SERVICES if MARK in str(services[service])}
    assert told == HOLDING
    assert {booking["address"] for booking in services["booking"]["bookings"]} == {f"17 {MARK} Road"}
    assert [review["comment"] for review in services["reviews"]["reviews"]] == [f"Mr {MARK} was very content."]
    assert PHONE in str(services["identity"]["customers"])


async def test_somebody_else_is_untouched(world: World, person: Person) -> None:
    owner = "select * from users where email = 'owner@example.com'"
    before = await world.sql("identity", owner)
    await erase(world, person)
    assert await world.sql("identity", owner) == before
