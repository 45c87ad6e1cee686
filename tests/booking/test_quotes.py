"""A quote from being asked for to the booking that it becomes, over HTTP, on a real database."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.booking import Booking
from services.booking.jobs import expire_quotes
from shared.auth import Actor, Role
from shared.contracts.booking import (
    BookingHeld,
    QuoteAccepted,
    QuoteClosed,
    QuoteDeclined,
    QuoteExpired,
    QuoteMessageSent,
    QuotePriced,
    QuoteRequested,
    QuoteWithdrawn,
)
from shared.errors import NotFound
from shared.pricing import MAX_TOTAL_CENTS, LineItem, tax
from shared.terms import CommissionRate
from shared.testing.plugin import Published
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

from .conftest import AFFILIATE, Shop, approved, config, monday_at, price_list, published_offer
from .quoting import LINES, PHOTOS, SECOND, THIRD, TIER_OF, Desk, Json, also_open, priced, problem, wanted

Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


def soon(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**more)).isoformat()


async def run_out(session: AsyncSession, quote: Json) -> None:
    past = "update quotes set valid_until = now() - interval '1 s' where id = :id"
    await session.execute(text(past), {"id": quote["id"]})
    session.expire_all()


# -- asking --


async def test_what_is_asked_is_shown_and_told_whole(desk: Desk, published: Published) -> None:
    wishes = [monday_at(9), monday_at(14)]
    [quote] = await desk.asked(wished_times=wishes)
    assert (quote["status"], quote["version"], quote["price_cents"], quote["lines"]) == ("requested", 1, None, [])
    assert (quote["photo_urls"], quote["budget_cents"], quote["vehicle"]) == (PHOTOS, 30_000, "2019 Honda Pilot")
    assert [datetime.fromisoformat(wish) for wish in quote["wished_times"]] == [
        datetime.fromisoformat(wish) for wish in wishes
    ]
    assert timedelta(days=6, hours=23) < datetime.fromisoformat(quote["valid_until"]) - datetime.now(UTC)
    [told] = await published(QuoteRequested)
    assert (told.quote_id, told.status, told.address, told.photos) == (
        quote["id"], "requested", "1 Main St", "\n".join(PHOTOS),
    )  # fmt: skip
    assert await desk.look(quote) == quote


async def test_several_are_asked_at_once_each_for_its_own(desk: Desk, published: Published) -> None:
    await also_open(desk.shop, SECOND, THIRD)
    quotes = await desk.asked(THIRD, AFFILIATE, SECOND)
    assert [quote["affiliate_id"] for quote in quotes] == [THIRD, AFFILIATE, SECOND]
    assert len({quote["request_id"] for quote in quotes}) == 1
    assert len(await published(QuoteRequested)) == 3
    await desk.asked()
    together = (await desk.send("GET", f"?request_id={quotes[0]['request_id']}", customer(7))).json()["items"]
    assert {quote["id"] for quote in together} == {quote["id"] for quote in quotes}


async def test_who_cannot_be_asked_is_refused_by_name_and_nothing_is_kept(
    desk: Desk, published: Published, session: AsyncSession
) -> None:
    await also_open(desk.shop, SECOND)
    await desk.shop.deliver(approved(3, affiliate_id=SECOND, application_status="suspended"))
    for body, refused in (
        (wanted(AFFILIATE, SECOND), (409, "not-bookable")),
        (wanted(zip="02108"), (409, "out-of-service-area")),
        (wanted(zip="00000"), (422, "unknown-zip")),
        (wanted(tier_ids=[TIER_OF[AFFILIATE], 99]), (404, "no-such-offer")),
        (wanted(wished_times=["2020-01-06T14:00:00Z"]), (422, "wish-not-possible")),
        (wanted(wished_times=["2199-01-06T14:00:00Z"]), (422, "wish-not-possible")),
    ):
        assert problem(await desk.send("POST", "", customer(7), body)) == refused, body
    bad_ones: list[Json] = [
        {"tier_ids": []}, {"tier_ids": [51, 51]}, {"tier_ids": [1, 2, 3, 4, 5, 6]}, {"budget_cents": -1},
        {"photo_urls": ["http://photos.example/a.jpg"]}, {"photo_urls": [f"https://a.example/{n}" for n in range(11)]},
        {"photo_urls": PHOTOS + PHOTOS}, {"wished_times": ["2026-05-04T10:00:00"]}, {"address": ""}, {"zip": "1120"},
    ]  # fmt: skip
    for bad in bad_ones:
        assert (await desk.ask(**bad)).status_code == 422, bad
    assert await published(QuoteRequested) == []
    assert await session.scalar(text("select count(*) from quotes")) == 0


async def test_one_affiliate_is_asked_once_at_a_time(desk: Desk) -> None:
    offer = published_offer(2)
    twin = offer.tiers[0].model_copy(update={"tier_id": 59, "name": "Silver"})
    await desk.shop.deliver(offer.model_copy(update={"tiers": [*offer.tiers, twin]}))
    assert problem(await desk.ask(tier_ids=[51, 59])) == (422, "asked-twice")


async def test_nobody_asks_without_end(desk: Desk, session: AsyncSession) -> None:
    """Neither at once nor by withdrawing and asking anew: each time somebody gets a mail."""
    quotes = [(await desk.asked())[0] for _ in range(25)]
    refused = await desk.ask()
    assert (problem(refused), refused.json()["most"]) == ((409, "too-many-quotes"), 25)
    await desk.ask(by=customer(8))
    await session.execute(text("update quotes set created_at = now() - interval '61 minutes'"))
    session.expire_all()
    assert problem(await desk.ask()) == (409, "too-many-quotes")
    for quote in quotes[:2]:
        assert (await desk.act(quote, "withdraw")).status_code == 200
    for _ in range(2):
        [again] = await desk.asked()
        assert (await desk.act(again, "withdraw")).status_code == 200
    assert problem(await desk.ask()) == (409, "too-many-quotes")


async def test_quotes_can_be_switched_off_and_what_was_begun_goes_on(desk: Desk) -> None:
    [quote] = await desk.asked()
    await desk.shop.deliver(config(2, features={"quotes": False}))
    assert problem(await desk.ask()) == (403, "switched-off")
    priced = await desk.price(quote)
    assert (await desk.accept(priced, monday_at(9))).status_code == 201


async def test_asking_three_takes_a_fixed_number_of_statements(desk: Desk, statements: Statements) -> None:
    await also_open(desk.shop, SECOND, THIRD)
    await desk.asked(AFFILIATE)
    counts = []
    for affiliates in ((AFFILIATE,), (AFFILIATE, SECOND, THIRD)):
        with statements() as sent:
            await desk.asked(*affiliates)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 5, counts


# -- pricing --


async def test_a_price_is_the_affiliates_lines_and_our_tax(desk: Desk, published: Published) -> None:
    await desk.shop.deliver(price_list(tax_ppm=88_750))
    [quote] = await desk.priced()
    taxed = tax(21_999 + 1_250, 88_750)
    assert [(line["kind"], line["amount_cents"]) for line in quote["lines"]] == [
        ("service", 21_999), ("travel", 1_250), ("tax", taxed),
    ]  # fmt: skip
    assert (quote["price_cents"], quote["tax_cents"]) == (21_999 + 1_250 + taxed, taxed)
    assert (quote["status"], quote["version"], quote["duration_minutes"]) == ("priced", 2, 180)
    [told] = await published(QuotePriced)
    assert (told.price_cents, told.note, told.version) == (quote["price_cents"], "With the seats out.", 2)


async def test_a_price_can_be_named_again_until_it_is_accepted(desk: Desk, published: Published) -> None:
    [quote] = await desk.priced()
    cheaper = [{"label": "All", "amount_cents": 9_900}]
    again = await desk.price(quote, lines=cheaper, note="")
    assert (again["price_cents"], again["version"], again["note"]) == (9_900, 3, "")
    assert (await desk.accept(again, monday_at(9))).json()["price_cents"] == 9_900
    assert problem(await desk.act(again, "price")) == (409, "already-accepted")
    assert [event.price_cents for event in await published(QuotePriced)] == [23_249, 9_900]


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"lines": [{"label": "x", "amount_cents": 49}]}, "price-too-low"),
        ({"lines": [{"label": "x", "amount_cents": 0}]}, "price-too-low"),
        ({"lines": [{"label": "x", "amount_cents": MAX_TOTAL_CENTS + 1}]}, "price-too-high"),
        ({"lines": [{"label": "x", "amount_cents": 50_000_000}] * 2}, "price-too-high"),
        ({"valid_until": soon(seconds=-1)}, "not-valid-so-long"),
        ({"valid_until": soon(days=91)}, "not-valid-so-long"),
        ({"lines": []}, "invalid-request"),
        ({"lines": [{"label": "x", "amount_cents": -1}]}, "invalid-request"),
        ({"lines": [{"label": "x", "amount_cents": 100, "kind": "tax"}]}, "invalid-request"),
        ({"lines": [{"label": "x", "amount_cents": 100, "kind": "promotion"}]}, "invalid-request"),
        ({"duration_minutes": 0}, "invalid-request"),
        ({"duration_minutes": 1441}, "invalid-request"),
    ],
)
async def test_what_is_no_price_is_refused(desk: Desk, changed: Json, refused: str) -> None:
    [quote] = await desk.asked()
    answer = await desk.act(quote, "price", body=priced(**changed))
    assert problem(answer) == (422, refused)
    assert await desk.status(quote) == "requested"


async def test_what_can_be_paid_at_once_is_a_price(desk: Desk) -> None:
    for cents in (50, MAX_TOTAL_CENTS):
        [quote] = await desk.asked()
        assert (await desk.price(quote, lines=[{"label": "x", "amount_cents": cents}]))["price_cents"] == cents


async def test_an_affiliate_that_is_suspended_names_no_price(desk: Desk) -> None:
    [quote] = await desk.asked()
    await desk.shop.deliver(approved(3, application_status="suspended"))
    assert problem(await desk.act(quote, "price")) == (409, "not-bookable")


# -- accepting --


async def test_an_accepted_quote_is_a_booking_to_the_cent(
    desk: Desk, published: Published, session: AsyncSession
) -> None:
    await desk.shop.deliver(price_list(tax_ppm=88_750, minimum_cents=90_000))
    await desk.shop.deliver(config(2, commission_rates=[CommissionRate(category="full", commission_bp=1000)]))
    [quote] = await desk.priced()
    await desk.shop.deliver(price_list(2, tax_ppm=10_000))
    answer = await desk.accept(quote, monday_at(9))
    booking = answer.json()
    assert answer.headers["Location"] == f"/booking/v1/bookings/{booking['id']}"
    assert (booking["status"], booking["quote_id"], booking["promotion_id"]) == ("held", quote["id"], None)
    assert (booking["lines"], booking["price_cents"]) == (quote["lines"], quote["price_cents"])
    assert sum(line["amount_cents"] for line in booking["lines"]) == booking["price_cents"]
    assert (booking["tax_cents"], booking["size_class"], booking["condition"]) == (
        quote["tax_cents"], "suv", "very_dirty",
    )  # fmt: skip
    start, end = (datetime.fromisoformat(booking[f"appointment_{name}"]) for name in ("start", "end"))
    assert (start, end - start) == (datetime.fromisoformat(monday_at(9)), timedelta(minutes=180))
    assert await session.scalar(select(Booking.commission_cents)) == 2_200  # of the services; not of travel and tax
    [held], [accepted] = await published(BookingHeld), await published(QuoteAccepted)
    assert (held.quote_id, accepted.booking_id, accepted.version) == (quote["id"], booking["id"], 3)
    seen = await desk.look(quote)
    assert (seen["status"], seen["booking_id"]) == ("accepted", booking["id"])


async def test_the_first_one_accepted_closes_the_rest(desk: Desk, published: Published, session: AsyncSession) -> None:
    await also_open(desk.shop, SECOND, THIRD)
    mine, asked, over = await desk.asked(AFFILIATE, SECOND, THIRD)
    [elsewhere] = await desk.asked(SECOND)
    await run_out(session, over)
    assert (await desk.accept(await desk.price(mine), monday_at(9))).status_code == 201
    assert [await desk.status(one) for one in (mine, asked, over, elsewhere)] == [
        "accepted", "closed", "requested", "requested",
    ]  # fmt: skip
    assert [(event.quote_id, event.affiliate_id) for event in await published(QuoteClosed)] == [(asked["id"], SECOND)]
    assert problem(await desk.act(asked, "price")) == (409, "another-was-accepted")
    assert problem(await desk.accept(asked, monday_at(13))) == (409, "another-was-accepted")


async def test_a_time_that_cannot_be_had_leaves_the_quote_as_it_is(desk: Desk, published: Published) -> None:
    await also_open(desk.shop, SECOND)
    quote, other = await desk.priced(AFFILIATE, SECOND)
    await desk.shop.held(monday_at(9), customer(8))
    assert problem(await desk.accept(quote, monday_at(10))) == (409, "slot-taken")
    assert problem(await desk.accept(quote, monday_at(7))) == (409, "slot-not-offered")
    assert [await desk.status(one) for one in (quote, other)] == ["priced", "priced"]
    assert await published(QuoteClosed) == []
    assert (await desk.accept(quote, monday_at(13))).status_code == 201


async def test_a_quote_takes_its_time_by_the_rules_of_every_slot(desk: Desk) -> None:
    [quote] = await desk.priced(duration_minutes=601)
    assert problem(await desk.accept(quote, monday_at(8))) == (409, "slot-not-offered")
    [quote] = await desk.priced()
    for hour in (8, 11, 14):
        await desk.shop.held(monday_at(hour))
    assert problem(await desk.accept(quote, monday_at(16))) == (409, "too-many-holds")
    await desk.shop.deliver(config(2, features={"bookings": False}))
    assert problem(await desk.accept(quote, monday_at(16))) == (403, "switched-off")
    await desk.shop.deliver(config(3))
    await desk.shop.deliver(published_offer(2, active=False))
    assert problem(await desk.accept(quote, monday_at(16))) == (409, "not-bookable")


async def test_what_was_seen_is_what_is_accepted(desk: Desk) -> None:
    [quote] = await desk.priced()
    await desk.price(quote, lines=[{"label": "More", "amount_cents": 99_900}])
    stale = await desk.accept(quote, monday_at(9), version='"2"')
    assert (stale.status_code, stale.json()["version"]) == (412, 3)
    for verb in ("price", "decline", "withdraw"):
        assert (await desk.act(quote, verb, version='"2"')).status_code == 412
    assert (await desk.accept(quote, monday_at(9), version='"3"')).json()["price_cents"] == 99_900


async def test_the_same_key_gives_the_same_booking(desk: Desk, published: Published) -> None:
    [quote] = await desk.priced()
    first, second = [await desk.accept(quote, monday_at(9), key="k1") for _ in range(2)]
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(await published(QuoteAccepted)) == 1
    assert problem(await desk.accept(quote, monday_at(9), key="k2")) == (409, "already-accepted")


async def test_accepting_takes_eight_statements_and_one_for_each_quote_that_it_closes(
    desk: Desk, statements: Statements
) -> None:
    await also_open(desk.shop, SECOND, THIRD)
    counts = []
    for affiliates, hour in (((AFFILIATE,), 8), ((AFFILIATE,), 11), ((AFFILIATE, SECOND, THIRD), 14)):
        quote, *_ = await desk.priced(*affiliates, duration_minutes=120)
        with statements() as sent:
            answer = await desk.accept(quote, monday_at(hour))
        assert answer.status_code == 201, answer.text
        counts.append(len(sent))
    assert counts[1] == 8, "\n".join(sent)
    assert counts[2] == counts[1] + 2


# -- the other ends --


async def test_an_affiliate_says_no_and_a_customer_asks_no_longer(desk: Desk, published: Published) -> None:
    for verb, event in (("decline", QuoteDeclined), ("withdraw", QuoteWithdrawn)):
        [quote] = await desk.asked()
        answer = await desk.act(quote, verb, body={"reason": "Too far,\r\nby an hour."})
        assert (answer.status_code, answer.json()["reason"]) == (200, "Too far,\r\nby an hour.")
        [told] = await published(event)
        assert (told.quote_id, told.reason, told.version) == (quote["id"], "Too far,\r\nby an hour.", 2)
        for again in ("price", "decline", "withdraw"):
            refused = "was-declined" if verb == "decline" else "was-withdrawn"
            assert problem(await desk.act(quote, again)) == (409, refused)


async def test_what_is_over_can_neither_be_priced_nor_accepted_although_no_job_has_run(
    desk: Desk, session: AsyncSession
) -> None:
    [asked], [priced] = await desk.asked(), await desk.priced()
    for quote in (asked, priced):
        await run_out(session, quote)
        for verb in ("price", "decline", "withdraw"):
            assert problem(await desk.act(quote, verb)) == (409, "quote-has-expired"), verb
        assert problem(await desk.accept(quote, monday_at(9))) == (409, "quote-has-expired")
        assert problem(await say(desk, quote, customer(7))) == (409, "quote-has-expired")


async def test_what_is_over_is_told_once(desk: Desk, session: AsyncSession, published: Published) -> None:
    [asked], [priced], [open_still] = await desk.asked(), await desk.priced(), await desk.priced()
    for quote in (asked, priced):
        await run_out(session, quote)
    for _ in range(2):
        await expire_quotes(session)
        await session.flush()
    told = await published(QuoteExpired)
    assert sorted((event.quote_id, event.version) for event in told) == [(asked["id"], 2), (priced["id"], 3)]
    assert [await desk.status(one) for one in (asked, priced, open_still)] == ["expired", "expired", "priced"]


# -- who may --

MATRIX: list[tuple[Actor, dict[str, int]]] = [
    (customer(7), {"price": 403, "decline": 403, "withdraw": 200, "accept": 201}),
    (customer(8), {"price": 404, "decline": 404, "withdraw": 404, "accept": 404}),
    (member(AFFILIATE), {"price": 200, "decline": 200, "withdraw": 403, "accept": 403}),
    (member(AFFILIATE, Role.TECHNICIAN), {"price": 403, "decline": 403, "withdraw": 403, "accept": 403}),
    (member(SECOND), {"price": 404, "decline": 404, "withdraw": 404, "accept": 403}),
    (SUPPORT, {"price": 403, "decline": 403, "withdraw": 403, "accept": 403}),
    (ADMIN, {"price": 403, "decline": 403, "withdraw": 403, "accept": 403}),
]


@pytest.mark.parametrize(("actor", "may"), MATRIX)
async def test_who_may_do_what(desk: Desk, actor: Actor, may: dict[str, int]) -> None:
    for verb, status in may.items():
        [quote] = await desk.priced()
        body: Any = {"starts_at": monday_at(9)} if verb == "accept" else None
        assert (await desk.act(quote, verb, actor, body)).status_code == status, verb


async def test_who_sees_it_and_to_whom_the_address_is_shown(desk: Desk) -> None:
    await also_open(desk.shop, SECOND)
    [quote] = await desk.priced()
    team = [member(AFFILIATE), member(AFFILIATE, Role.TECHNICIAN)]
    for address, actors in {"1 Main St": [customer(7), SUPPORT, ADMIN], None: team}.items():
        for actor in actors:
            seen = await desk.look(quote, actor)
            assert (seen["address"], seen["zip"]) == (address, "11201")
            [listed] = (await desk.send("GET", "?status=priced", actor)).json()["items"]
            assert listed["address"] == address
    for actor in (customer(8), member(SECOND)):
        assert problem(await desk.send("GET", f"/{quote['id']}", actor)) == (NotFound.status, "no-such-quote")
        assert (await desk.send("GET", "", actor)).json()["items"] == []
    booking = (await desk.accept(quote, monday_at(9))).json()
    assert (await desk.look(quote, member(AFFILIATE)))["address"] is None
    path = f"/booking/v1/bookings/{booking['id']}"
    unpaid = await desk.shop.client.get(path, headers=desk.shop.as_(member(AFFILIATE)))
    assert unpaid.json()["address"] is None


async def test_quotes_come_in_pages_latest_first(desk: Desk) -> None:
    asked = [(await desk.asked())[0]["id"] for _ in range(5)]
    seen: list[int] = []
    cursor = ""
    while True:
        page = (await desk.send("GET", f"?limit=2{cursor}", member(AFFILIATE))).json()
        seen += [quote["id"] for quote in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == asked[::-1]


@pytest.mark.parametrize(("path", "most"), [("/{id}", 1), ("", 1), ("/{id}/messages", 2)])
async def test_looking_takes_a_fixed_number_of_statements(
    desk: Desk, statements: Statements, path: str, most: int
) -> None:
    [quote] = await desk.priced()
    await desk.priced()
    with statements() as sent:
        await desk.send("GET", path.format(id=quote["id"]), customer(7))
    assert len(sent) == most, "\n".join(sent)


# -- messages --


async def say(desk: Desk, quote: Json, by: Actor, body: str = "Is there water?", **headers: str) -> Any:
    return await desk.send("POST", f"/{quote['id']}/messages", by, {"body": body}, **headers)


async def test_both_sides_talk_about_a_quote(desk: Desk, published: Published) -> None:
    [quote] = await desk.asked()
    lines = "Is there water?\r\nAnd a plug?"
    first = await say(desk, quote, member(AFFILIATE, Role.TECHNICIAN), lines)
    assert (first.status_code, first.json()["author"], first.json()["body"]) == (201, "affiliate", lines)
    assert (await say(desk, quote, customer(7), "Both.")).json()["author"] == "customer"
    page = (await desk.send("GET", f"/{quote['id']}/messages?limit=1", customer(7))).json()
    assert [message["body"] for message in page["items"]] == [lines]
    rest = (await desk.send("GET", f"/{quote['id']}/messages?cursor={page['next']}", SUPPORT)).json()
    assert [message["body"] for message in rest["items"]] == ["Both."]
    told = await published(QuoteMessageSent)
    assert [(event.author, event.quote_id, event.body) for event in told] == [
        ("affiliate", quote["id"], lines), ("customer", quote["id"], "Both."),
    ]  # fmt: skip
    assert (await desk.look(quote))["version"] == 1


async def test_others_do_not_and_when_it_is_over_nobody_does(desk: Desk) -> None:
    [quote] = await desk.priced()
    for actor, status in ((customer(8), 404), (member(SECOND), 404), (SUPPORT, 403), (ADMIN, 403)):
        assert (await say(desk, quote, actor)).status_code == status
    for body in ("", " \r\n ", "x" * 2001, "a\x00"):
        assert (await say(desk, quote, customer(7), body)).status_code == 422
    assert (await say(desk, quote, customer(7), "x" * 2000)).status_code == 201
    await desk.accept(quote, monday_at(9))
    assert (await say(desk, quote, customer(7))).status_code == 201
    [other] = await desk.asked()
    await desk.act(other, "decline")
    assert problem(await say(desk, other, customer(7))) == (409, "was-declined")


async def test_nobody_talks_without_end(desk: Desk, session: AsyncSession) -> None:
    [quote] = await desk.asked()
    said = (
        "insert into quote_messages (quote_id, customer_id, author, body)"
        " select id, 7, 'customer', 'And?' from quotes, generate_series(1, 99)"
    )
    await session.execute(text(said))
    assert (await say(desk, quote, customer(7))).status_code == 201
    refused = await say(desk, quote, customer(7))
    assert (problem(refused), refused.json()["most"]) == ((409, "said-enough"), 100)
    assert (await say(desk, quote, member(AFFILIATE))).status_code == 201


async def test_a_message_sent_again_is_one(desk: Desk, published: Published) -> None:
    [quote] = await desk.asked()
    first, second = [await say(desk, quote, customer(7), key="m1") for _ in range(2)]
    assert first.content == second.content
    assert len(await published(QuoteMessageSent)) == 1


def test_lines_of_a_quote_are_lines_of_a_price() -> None:
    assert [LineItem.model_validate(line).amount_cents for line in LINES] == [21_999, 1_250]
