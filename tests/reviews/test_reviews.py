"""A review over HTTP: posted once, read by all, changed and deleted by those who may; the rating follows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import BookingCancelled, BookingCompleted, BookingConfirmed
from shared.contracts.reviews import RatingChanged, ReviewChanged, ReviewDeleted, ReviewPosted
from shared.testing.configuration import config_changed
from shared.testing.plugin import Published
from shared.testing.tokens import SUPPORT, customer, member

from .conftest import AFFILIATE, BOOKING, CUSTOMER, REVIEWS, Desk, told

Statements = Callable[[], AbstractContextManager[list[str]]]
AUTHOR = customer(CUSTOMER)


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")


async def test_a_completed_booking_is_reviewed_and_the_rating_told(desk: Desk, published: Published) -> None:
    await desk.completed()
    response = await desk.post(comment="Like new")
    review = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{REVIEWS}/{review['id']}"
    assert response.headers["etag"] == '"1"'
    assert (review["booking_id"], review["rating"], review["comment"], review["source"]) == (
        BOOKING,
        5,
        "Like new",
        "mdh",
    )
    [posted] = await published(ReviewPosted)
    assert (posted.review_id, posted.booking_id, posted.customer_id, posted.rating) == (
        review["id"],
        BOOKING,
        CUSTOMER,
        5,
    )
    [rating] = await published(RatingChanged)
    assert (rating.affiliate_id, rating.version, rating.rating_hundredths, rating.review_count) == (
        AFFILIATE,
        1,
        500,
        1,
    )


async def test_a_booking_is_reviewed_once(desk: Desk, published: Published) -> None:
    await desk.posted()
    assert refused(await desk.post(rating=1)) == (409, "already-reviewed")
    assert await desk.rating() == (500, 1)
    assert len(await published()) == 2


async def test_what_was_deleted_may_be_written_anew(desk: Desk) -> None:
    review = await desk.posted()
    assert (await desk.delete(review, AUTHOR)).status_code == 204
    assert (await desk.post(rating=2)).status_code == 201
    assert await desk.rating() == (200, 1)


async def test_the_same_key_makes_one_review_and_one_answer(desk: Desk) -> None:
    await desk.completed()
    first, again = await desk.post(key="k1"), await desk.post(key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert await desk.rating() == (500, 1)


@pytest.mark.parametrize("known", [[], [told(BookingConfirmed, 2)]], ids=["nothing", "confirmed"])
async def test_before_completion_has_arrived_it_is_not_yet_and_then_it_works(desk: Desk, known: list[Any]) -> None:
    for event in known:
        await desk.deliver(event)
    assert refused(await desk.post()) == (409, "not-completed-yet")
    await desk.completed()
    assert (await desk.post()).status_code == 201


async def test_a_cancelled_booking_is_nothing_to_review(desk: Desk) -> None:
    await desk.deliver(told(BookingCancelled, 3))
    assert refused(await desk.post()) == (409, "nothing-to-review")


async def test_the_booking_of_another_does_not_exist(desk: Desk, published: Published) -> None:
    await desk.completed()
    assert refused(await desk.post(customer(8))) == (404, "no-such-booking")
    assert await published() == []


async def test_only_customers_review(desk: Desk, client: httpx.AsyncClient) -> None:
    await desk.completed()
    assert refused(await desk.post(member(AFFILIATE))) == (403, "customers-only")
    assert (await client.post(REVIEWS, json={"booking_id": BOOKING, "rating": 5})).status_code == 401


async def test_a_changed_rating_moves_the_mean_by_the_difference(desk: Desk, published: Published) -> None:
    review = await desk.posted()
    await desk.posted(62, 8, rating=4)
    response = await desk.change(review, AUTHOR, 1, rating=2)
    assert (response.status_code, response.headers["etag"], response.json()["rating"]) == (200, '"2"', 2)
    assert await desk.rating() == (300, 2)
    assert [(e.version, e.rating_hundredths) for e in await published(RatingChanged)] == [(1, 500), (2, 450), (3, 300)]
    assert [(e.version, e.rating) for e in await published(ReviewChanged)] == [(2, 2)]


async def test_other_words_change_the_review_and_not_the_rating(desk: Desk, published: Published) -> None:
    review = await desk.posted()
    assert (await desk.change(review, AUTHOR, comment="Later it peeled")).json()["comment"] == "Later it peeled"
    assert (len(await published(ReviewChanged)), len(await published(RatingChanged))) == (1, 1)


async def test_a_change_that_changes_nothing_is_no_news(desk: Desk, published: Published) -> None:
    review = await desk.posted(comment="Good")
    for body in ({}, {"rating": 5}, {"rating": None, "comment": "Good"}):
        assert (await desk.change(review, AUTHOR, 1, **body)).headers["etag"] == '"1"'
    assert await published(ReviewChanged) == []


async def test_a_change_of_what_was_changed_meanwhile_is_refused(desk: Desk) -> None:
    review = await desk.posted()
    assert (await desk.change(review, AUTHOR, 1, rating=4)).status_code == 200
    assert refused(await desk.change(review, AUTHOR, 1, rating=1)) == (412, "precondition-failed")
    assert await desk.rating() == (400, 1)


@pytest.mark.parametrize("by", [customer(8), member(AFFILIATE), SUPPORT], ids=["customer", "owner", "staff"])
async def test_nobody_changes_the_words_of_another(desk: Desk, by: Any) -> None:
    review = await desk.posted()
    assert refused(await desk.change(review, by, comment="Great!")) == (403, "not-your-review")
    assert (await desk.client.get(f"{REVIEWS}/{review['id']}")).json()["comment"] == ""


@pytest.mark.parametrize(("by", "who"), [(AUTHOR, "author"), (SUPPORT, "staff")], ids=["author", "staff"])
async def test_a_deleted_review_is_gone_and_counts_no_longer(
    desk: Desk, published: Published, session: AsyncSession, by: Any, who: str
) -> None:
    review = await desk.posted()
    assert (await desk.delete(review, by)).status_code == 204
    for response in (
        await desk.client.get(f"{REVIEWS}/{review['id']}"),
        await desk.change(review, AUTHOR, rating=1),
        await desk.delete(review, by),
    ):
        assert refused(response) == (404, "no-such-review")
    assert (await desk.client.get(REVIEWS, params={"affiliate_id": AFFILIATE})).json() == {"items": [], "next": None}
    assert await desk.rating() == (0, 0)
    assert [e.deleted_by for e in await published(ReviewDeleted)] == [who]
    assert await session.scalar(text("select count(*) from reviews where deleted_at is not null")) == 1


async def test_an_affiliates_team_cannot_delete_what_it_does_not_like(desk: Desk) -> None:
    review = await desk.posted(rating=1)
    assert refused(await desk.delete(review, member(AFFILIATE))) == (403, "not-your-review")
    assert await desk.rating() == (100, 1)


async def test_anybody_reads_pages_newest_first_and_nothing_of_who_wrote(desk: Desk, statements: Statements) -> None:
    for number in range(5):
        await desk.posted(100 + number, 200 + number, rating=number + 1)
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while cursor is not None or not found:
        params = {"affiliate_id": AFFILIATE, "limit": 2} | ({"cursor": cursor} if cursor else {})
        with statements() as sent:
            page = (await desk.client.get(REVIEWS, params=params)).json()
        assert len(sent) == 1
        found, cursor = found + page["items"], page["next"]
    assert [review["rating"] for review in found] == [5, 4, 3, 2, 1]
    public = {"id", "version", "affiliate_id", "rating", "comment", "source", "create_time", "updated_at"}
    assert all(set(review) == public for review in found)
    one = (await desk.client.get(f"{REVIEWS}/{found[0]['id']}")).json()
    assert one == found[0]


async def test_posting_takes_six_statements_and_the_rating_one(desk: Desk, statements: Statements) -> None:
    await desk.completed()
    await desk.deliver(config_changed())
    with statements() as sent:
        assert (await desk.post()).status_code == 201
    assert len(sent) == 6, sent
    with statements() as sent:
        await desk.rating()
    assert len(sent) == 1


async def test_nothing_new_is_written_while_reviews_are_switched_off(desk: Desk) -> None:
    await desk.completed()
    await desk.deliver(config_changed(1, features={"reviews": False}))
    assert refused(await desk.post()) == (403, "switched-off")
    await desk.deliver(config_changed(2, features={"reviews": True}))
    assert (await desk.post()).status_code == 201


async def test_an_affiliate_without_reviews_has_none(desk: Desk) -> None:
    assert await desk.rating(999) == (0, 0)


BAD_BODIES: list[dict[str, Any]] = [
    {"rating": 0}, {"rating": 6}, {"rating": 10**30}, {"rating": "5"}, {"rating": True}, {"rating": 4.0},
    {"rating": None}, {"booking_id": 0}, {"booking_id": 2**63}, {"booking_id": "61"}, {"comment": "a\x00b"},
    {"comment": "x" * 2001}, {"comment": 5}, {"affiliate_id": 1}, {"source": "google"}, {"status": "completed"},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_BODIES, ids=lambda bad: str(bad)[:40])
async def test_bad_input_is_refused_and_writes_nothing(desk: Desk, published: Published, bad: dict[str, Any]) -> None:
    await desk.completed()
    response = await desk.post(**bad)
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert await published() == []


@pytest.mark.parametrize("raw", [b'{"booking_id":61,"rating":5,"comment":"\\ud800"}', b'{"rating":NaN}', b"{", b"[]",
                                 b'{"booking_id":61,"rating":5,"rating":1}', b""])  # fmt: skip
async def test_malformed_bodies_are_refused(desk: Desk, published: Published, raw: bytes) -> None:
    await desk.completed()
    headers = desk.as_(AUTHOR) | {"Content-Type": "application/json"}
    assert (await desk.client.post(REVIEWS, content=raw, headers=headers)).status_code in (400, 422)
    assert await published() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reviews/0", 422), ("/reviews/9223372036854775808", 422), ("/reviews/1.0", 422), ("/reviews/-1", 422),
        ("/reviews/9223372036854775807", 404), ("/reviews", 422), ("/reviews?affiliate_id=x", 422),
        ("/reviews?affiliate_id=1&limit=0", 422), ("/reviews?affiliate_id=1&limit=1000000000", 422),
        ("/reviews?affiliate_id=1&cursor=%00", 400), ("/reviews?affiliate_id=1&cursor=W10", 400),
        ("/affiliates/0/rating", 422), ("/affiliates/x/rating", 422),
    ],
)  # fmt: skip
async def test_absurd_paths_and_queries_are_refused(client: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await client.get(f"/reviews/v1{path}")).status_code == status


async def test_one_completion_makes_one_reviewable_booking(desk: Desk, session: AsyncSession) -> None:
    await desk.deliver(told(BookingCompleted, 3))
    assert await session.scalar(text("select status from bookings")) == "completed"
