"""Reviews at the same moment, in real transactions: one per booking, and a rating that adds up."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import text

from shared.auth import Actor
from shared.contracts.reviews import RatingChanged
from shared.db import Database
from shared.testing.plugin import AsOwner, Headers, deliver_to, recorded_in
from shared.testing.tokens import ADMIN, customer

from .conftest import AFFILIATE, Desk

AT_ONCE = 20


@pytest.fixture
def fresh_desk(fresh_client: httpx.AsyncClient, as_: Callable[[Actor], Headers], fresh_database: Database) -> Desk:
    return Desk(fresh_client, as_, deliver_to("reviews", fresh_database))


async def same_booking_at_once(desk: Desk) -> Counter[int]:
    await desk.completed()
    responses = await asyncio.gather(*(desk.post() for _ in range(AT_ONCE)))
    return Counter(response.status_code for response in responses)


async def test_twenty_reviews_of_one_booking_at_once_make_one(fresh_desk: Desk, fresh_database: Database) -> None:
    assert await same_booking_at_once(fresh_desk) == {201: 1, 409: AT_ONCE - 1}
    assert await fresh_desk.rating() == (500, 1)


async def test_without_the_index_there_would_be_several(fresh_desk: Desk, as_owner: AsOwner) -> None:
    await as_owner("drop index uq_reviews_booking_id")
    assert (await same_booking_at_once(fresh_desk))[201] > 1


async def test_reviews_of_one_affiliate_at_once_add_up(fresh_desk: Desk, fresh_database: Database) -> None:
    """Posts, changes and deletions together: sum and count are those of the reviews, each version told once."""
    choose = random.Random(20)
    for number in range(AT_ONCE):
        await fresh_desk.completed(100 + number, 200 + number)
    posts = [
        fresh_desk.post(customer(200 + n), booking_id=100 + n, rating=choose.randint(1, 5)) for n in range(AT_ONCE)
    ]
    posted = [response.json() for response in await asyncio.gather(*posts)]
    changes = [fresh_desk.change(r, customer(200 + n), rating=choose.randint(1, 5)) for n, r in enumerate(posted)]
    deletions = [fresh_desk.delete(review, ADMIN) for review in posted[::3]]
    answers = Counter(r.status_code for r in await asyncio.gather(*changes, *deletions))
    assert set(answers) <= {200, 204, 404}
    async with fresh_database.begin() as session:
        alive = "select coalesce(sum(rating), 0), count(*) from reviews where deleted_at is null"
        kept = "select rating_sum, review_count from affiliate_ratings"
        assert (await session.execute(text(alive))).one() == (await session.execute(text(kept))).one()
    told = await recorded_in(fresh_database, RatingChanged)
    assert sorted(event.version for event in told) == list(range(1, len(told) + 1))
    assert await fresh_desk.rating() == (told[-1].rating_hundredths, told[-1].review_count)
    assert told[-1].affiliate_id == AFFILIATE
