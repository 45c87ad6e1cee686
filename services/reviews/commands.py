"""Every change of reviews: load, decide, announce. Locks are taken in one order: the review, then the rating."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.contracts.reviews import RatingChanged, ReviewChanged, ReviewDeleted, ReviewPosted
from shared.db import enforced_by
from shared.outbox import record

from . import queries
from .domain import ONE_PER_BOOKING, AlreadyReviewed, Review
from .schemas import ReviewChange, ReviewRequest


async def post_review(session: AsyncSession, actor: Actor, wanted: ReviewRequest) -> Review:
    """One's own completed booking, once."""
    booking = await queries.booking_to_review(session, wanted.booking_id)
    booking.must_be_reviewable_by(actor)
    review = Review.about(booking, wanted.rating, wanted.comment)
    session.add(review)
    with enforced_by(ONE_PER_BOOKING, AlreadyReviewed):
        await session.flush()
    record(session, ReviewPosted.of(review))
    await _move_rating(session, review.affiliate_id, stars=review.rating, reviews=1)
    return review


async def change_review(
    session: AsyncSession, actor: Actor, review_id: int, version: int | None, wanted: ReviewChange
) -> Review:
    review = await queries.get_review(session, review_id, lock=True)
    review.expect(version)
    known = review.version
    stars = review.change(actor, wanted.rating, wanted.comment)
    if review.version > known:
        record(session, ReviewChanged.of(review))
    if stars:
        await _move_rating(session, review.affiliate_id, stars=stars, reviews=0)
    return review


async def delete_review(session: AsyncSession, actor: Actor, review_id: int, version: int | None) -> None:
    review = await queries.get_review(session, review_id, lock=True)
    review.expect(version)
    by = review.delete(actor, now())
    record(session, ReviewDeleted.of(review, deleted_by=by))
    await _move_rating(session, review.affiliate_id, stars=-review.rating, reviews=-1)


async def _move_rating(session: AsyncSession, affiliate_id: int, *, stars: int, reviews: int) -> None:
    rating = await queries.lock_rating(session, affiliate_id)
    rating.move(stars=stars, reviews=reviews)
    record(session, RatingChanged.of(rating))
