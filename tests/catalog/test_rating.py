"""What reviews came to, as catalog shows it: early, late, twice, in reverse."""

from itertools import permutations

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog.domain.affiliate import Affiliate, NoSuchAffiliate
from shared.contracts.catalog import AffiliateChanged
from shared.contracts.reviews import RatingChanged
from shared.ids import new_id
from shared.testing.plugin import Deliver, Published

from .conftest import Made


def rating(affiliate_id: int, version: int, hundredths: int, count: int) -> RatingChanged:
    return RatingChanged(
        affiliate_rating_id=77,
        version=version,
        affiliate_id=affiliate_id,
        rating_hundredths=hundredths,
        review_count=count,
    )


async def test_a_rating_is_shown_and_announced(
    client: httpx.AsyncClient, approved: Made, deliver: Deliver, published: Published
) -> None:
    affiliate = await approved()
    await deliver(rating(affiliate["id"], 1, 467, 3))
    seen = (await client.get(f"/catalog/v1/affiliates/{affiliate['id']}")).json()
    assert (seen["rating"], seen["review_count"], seen["version"]) == (4.67, 3, 3)
    [event] = await published(AffiliateChanged)
    assert (event.rating_hundredths, event.review_count, event.version) == (467, 3, 3)


async def test_the_same_rating_twice_is_told_once(approved: Made, deliver: Deliver, published: Published) -> None:
    event, id = rating((await approved())["id"], 1, 500, 1), new_id()
    await deliver(event, id)
    await deliver(event, id)
    await deliver(event)  # as a message of its own, past the inbox: the version guards
    assert len(await published(AffiliateChanged)) == 1


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
async def test_in_any_order_the_newest_rating_stands(
    client: httpx.AsyncClient, approved: Made, deliver: Deliver, order: tuple[int, ...]
) -> None:
    affiliate = await approved()
    for version in order:
        await deliver(rating(affiliate["id"], version, 100 * version, version))
    seen = (await client.get(f"/catalog/v1/affiliates/{affiliate['id']}")).json()
    assert (seen["rating"], seen["review_count"]) == (3.0, 3)


async def test_a_late_older_rating_changes_nothing_and_is_not_announced(
    approved: Made, deliver: Deliver, published: Published
) -> None:
    affiliate = await approved()
    await deliver(rating(affiliate["id"], 2, 400, 2))
    await deliver(rating(affiliate["id"], 1, 500, 1))
    assert [e.rating_hundredths for e in await published(AffiliateChanged)] == [400]


async def test_when_the_last_review_is_gone_so_is_the_rating(
    approved: Made, deliver: Deliver, session: AsyncSession
) -> None:
    affiliate = await approved()
    await deliver(rating(affiliate["id"], 1, 400, 1))
    await deliver(rating(affiliate["id"], 2, 0, 0))
    row = await session.get_one(Affiliate, affiliate["id"])
    assert (row.rating, row.review_count) == (None, 0)


async def test_a_rating_of_an_affiliate_that_does_not_exist_is_refused_for_good(deliver: Deliver) -> None:
    with pytest.raises(NoSuchAffiliate):
        await deliver(rating(2**40, 1, 400, 1))
