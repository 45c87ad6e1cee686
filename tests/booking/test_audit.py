"""`mdh audit verify booking`: lives as they are lived are clean, and what is not as it was told is found by name."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from services.booking.domain.booking import Booking
from services.booking.domain.history import LIVES
from services.booking.domain.life import Status
from services.booking.jobs import expire_unpaid
from services.booking.queries.history import all_not_as_told
from shared import clock
from shared.auth import Actor
from shared.cli.main import app
from shared.contracts.booking import BookingExpired
from shared.contracts.identity import ErasureRequested
from shared.db import Database
from shared.testing.databases import counted_statements
from shared.testing.plugin import AsOwner, Headers, deliver_to, recorded_in
from shared.testing.tokens import customer, member

from .conftest import AFFILIATE, PRICE, Shop, captured, monday_at, open_shop
from .quoting import PHOTOS, SECOND, Desk, Json, also_open
from .standing import Standing, wanted, week

UNGUARDED = """do $$ declare guard record; begin
    for guard in select conrelid::regclass as owner, conname from pg_constraint
        where conrelid in ('bookings'::regclass, 'quotes'::regclass, 'series'::regclass)
              and contype in ('c', 'f', 'x', 'u')
    loop execute format('alter table %s drop constraint %I', guard.owner, guard.conname); end loop;
end $$"""
ANOTHER = {
    "vehicles": """'[{"size_class": "rv"}]'""",
    "extras": """'[{"kind": "add_on", "label": "Wax", "amount_cents": 1}]'""",
    "status": "'expired'", "size_class": "'truck'", "condition": "'clean'", "currency": "'EUR'", "timezone": "'UTC'",
    "payment_mode": "'on_site'", "lines": "'[]'", "request_id": "gen_random_uuid()", "photo_urls": "array['x']",
    "wished_times": "array[now()]", "add_on_ids": "array[9]", "paused_by": "'unpaid'", "series.status": "'paused'",
}  # fmt: skip
BY_TYPE = {
    "int8": "coalesce({0}, 0) + 1", "varchar": "coalesce({0}, '') || '1'", "text": "coalesce({0}, '') || '1'",
    "timestamptz": "now()",
    "date": "coalesce({0}, current_date) + 1",
    "tstzrange": "tstzrange(lower({0}) - interval '1 min', upper({0}) + interval '1 min')",
}  # fmt: skip


class Lives:
    """What has become of several bookings and quotes, through the API, events and jobs."""

    def __init__(self, shop: Shop, database: Database) -> None:
        self.shop, self.database, self.desk = shop, database, Desk(shop)

    async def found(self) -> list[str]:
        async with self.database.begin() as session:
            return [str(wrong) async for wrong in all_not_as_told(session)]

    async def act(self, booking: Json, verb: str, by: Actor, before: timedelta | None = None, **body: Any) -> None:
        path, headers = f"/booking/v1/bookings/{booking['id']}/{verb}", self.shop.as_(by)
        start = datetime.fromisoformat(booking["appointment_start"])
        with clock.frozen(start - before if before is not None else clock.now()):
            answer = await self.shop.client.post(path, headers=headers, json=body)
        assert answer.status_code == 200, answer.text

    async def run_out(self, booking: Json, patch: pytest.MonkeyPatch) -> None:
        """The hold is over, and everybody hears of it."""
        with patch.context() as past:
            past.setattr("services.booking.queries.bookings.LAPSED", Booking.status == Status.HELD)
            async with self.database.begin() as session:
                await expire_unpaid(session)
        for event in await recorded_in(self.database, BookingExpired):
            if event.booking_id == booking["id"]:
                await self.shop.deliver(event)

    async def confirmed(self, hour: int, minute: int = 0) -> Json:
        booking = await self.shop.held(monday_at(hour, minute))
        await self.shop.deliver(captured(booking))
        return booking


@pytest_asyncio.fixture
async def lives(
    fresh_client: httpx.AsyncClient,
    as_: Callable[[Actor], Headers],
    fresh_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> Lives:
    lives = Lives(await open_shop(fresh_client, as_, deliver_to("booking", fresh_database)), fresh_database)
    await _live_bookings(lives, monkeypatch)
    await _live_quotes(lives, monkeypatch)
    await _live_series(lives)
    await lives.shop.deliver(ErasureRequested(erasure_id=1, version=2, user_id=1008, customer_id=8))
    return lives


async def _live_bookings(lives: Lives, patch: pytest.MonkeyPatch) -> None:
    shop, team, done = lives.shop, member(AFFILIATE), await lives.confirmed(8)
    await lives.act(done, "set-out", team, timedelta(hours=1), eta=done["appointment_start"])
    await lives.act(done, "start", team, timedelta())
    await lives.act(done, "complete", team, timedelta(hours=-2), photo_urls=PHOTOS, notes="Sand, all out.")
    await lives.act(await lives.confirmed(10, 30), "cancel", customer(7), timedelta(hours=3))
    unpaid = await shop.held(monday_at(10, 30))
    await lives.act(unpaid, "cancel", customer(7))
    await shop.deliver(captured(unpaid))  # a refund is due
    late = await shop.held(monday_at(10, 30))
    await lives.run_out(late, patch)
    async with lives.database.begin() as session:
        await session.execute(text("update crews set buffer_minutes = 20"))
    await shop.deliver(captured(late))  # takes its time again, with the buffers of now
    too_late = await shop.held(monday_at(13))
    await lives.run_out(too_late, patch)
    in_the_way = await shop.held(monday_at(13), customer(8))
    await shop.deliver(captured(too_late))
    await lives.run_out(in_the_way, patch)
    await lives.act(await shop.held(monday_at(13), customer(8)), "cancel", customer(8), reason="rain")  # erased later
    dearer = await lives.confirmed(13)
    await shop.deliver(captured(dearer, 1_000, payment_id=1001, purpose="rest"))
    await lives.act(dearer, "cancel", team)
    await shop.deliver(captured(dearer, 1_000, payment_id=1002, purpose="rest"))
    await lives.act(await lives.confirmed(13), "no-show", team, timedelta(minutes=-20))


async def _live_quotes(lives: Lives, patch: pytest.MonkeyPatch) -> None:
    desk = lives.desk
    await also_open(lives.shop, SECOND)
    quote, _ = await desk.priced(AFFILIATE, SECOND)  # the other is closed
    await desk.price(quote, note="Again, and cheaper.")
    booking = (await desk.accept(quote, monday_at(13))).json()
    await lives.run_out(booking, patch)
    assert await desk.status(quote) == "priced"
    assert (await desk.accept(quote, monday_at(13))).status_code == 201
    [opened_again] = await desk.priced(SECOND)
    await lives.run_out((await desk.accept(opened_again, monday_at(9))).json(), patch)
    for verb in ("decline", "withdraw"):
        [other] = await desk.asked(AFFILIATE)
        assert (await desk.act(other, verb, body={"reason": "no time"})).status_code == 200
    await desk.asked(AFFILIATE, by=customer(8))  # taken back by the erasure


async def _live_series(lives: Lives) -> None:
    standing = Standing(lives.shop, lives.database)
    series = await standing.begun(time="16:00")
    for verb, body in (
        ("pause", None),
        ("resume", None),
        ("end", {"from_date": week(9)}),
        ("end", {"reason": "Sold."}),
    ):
        assert (await standing.act(series, verb, body=body)).status_code == 200
    assert (await standing.act(await standing.begun(first_date=week(3)), "pause")).status_code == 200
    followed = await standing.begun(customer(8), first_date=week(2))
    assert (await standing.act(followed, "change", body=wanted(first_date=week(6)))).status_code == 201


async def _verify(database: Database) -> tuple[int, str]:
    told = {"MDH_DATABASE_URL": database.url}
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["audit", "verify", "booking"], env=told))
    return result.exit_code, result.output


async def test_lives_are_what_their_events_say_and_one_that_is_not_is_named(
    lives: Lives, as_owner: AsOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _verify(lives.database) == (0, "booking: every row is what its events say\n")
    await as_owner(f"update bookings set price_cents = {PRICE} + 1 where id = 1")  # noqa: S608
    wrong = f"booking 1: price_cents is not what its events say: {PRICE + 1}, by its events {PRICE}\n"
    assert await _verify(lives.database) == (1, wrong)
    monkeypatch.setattr("services.booking.queries.history.BATCH", 2)
    with counted_statements(lives.database) as sent:
        assert await lives.found() == [wrong.strip()]
    async with lives.database.begin() as session:
        counts = [await session.scalar(select(func.count()).select_from(life.row)) or 0 for life in LIVES.values()]
    assert len(sent) == sum((count + 1) // 2 + 1 for count in counts)


async def test_each_column_that_was_changed_by_hand_is_found_by_name(lives: Lives, as_owner: AsOwner) -> None:
    await as_owner(UNGUARDED)
    chosen = {
        "booking": "cancelled_by = 'customer' and paid_cents > 0",
        "quote": "status = 'accepted'",
        "series": "ended_by = 'customer' and customer_id = 7",
    }
    for aggregate, life in LIVES.items():
        for column in set(life.row.__table__.columns.keys()) - life.silent:
            table = life.row.__tablename__
            async with lives.database.begin() as session:
                kind = await session.scalar(
                    text("select udt_name from information_schema.columns where table_name = :t and column_name = :c"),
                    {"t": table, "c": column},
                )
                other = ANOTHER.get(f"{aggregate}.{column}") or ANOTHER.get(column) or BY_TYPE[kind].format(column)
                await session.execute(text(f"update {table} set {column} = {other} where {chosen[aggregate]}"))  # noqa: S608
                whats = [wrong.what async for wrong in all_not_as_told(session)]
                await session.rollback()
            assert {what.split()[0] for what in whats} == set(life.parts.get(column, (column,)))
            assert all("Main St" not in what for what in whats)
    assert await lives.found() == []


async def test_events_that_are_gone_or_not_as_they_were_written_are_named(lives: Lives, as_owner: AsOwner) -> None:
    def done(what: str, booking: int, version: int) -> str:
        return f"{what} where aggregate_type = 'booking' and aggregate_id = {booking} and aggregate_version = {version}"

    changed, other = "update business_events set", done("select sealed from business_events", 1, 1)
    for sql in (
        "delete from outbox",
        done("delete from business_events", 1, 2),
        done("delete from business_events", 2, 3),
        done(f"{changed} payload = payload || '{{\"price_cents\": 1}}'", 3, 1),
        done(f"{changed} type = 'booking.misheld.v1'", 4, 2),
        done(f"{changed} payload = payload || '{{\"version\": 9}}'", 5, 2),
        done(f"{changed} sealed = sealed || '\\x00'", 4, 1),
        done(f"{changed} sealed = ({other})", 8, 1),
        "delete from quotes where status = 'declined'",
    ):
        await as_owner(sql)
    found = [re.sub(r"event \S+ ", "event ", what) for what in await lives.found()]
    assert [what for what in found if what.startswith("booking 1:")] == [
        "booking 1: version 2 has no event",
        f"booking 1: paid_cents is not what its events say: {PRICE}, by its events 0",
    ]
    assert "booking 2: version 3 has no event" in found
    assert f"booking 3: price_cents is not what its events say: {PRICE}, by its events 1" in found
    assert "booking 4: event is none that it can have: booking.misheld.v1" in found
    assert "booking 5: event is about something else" in found
    assert "booking 4: event is not as it was written" in found
    assert "booking 8: event is not as it was written" in found
    [declined] = [what for what in found if what.startswith("quote")]
    assert declined.endswith("has events and no row")
