"""Every read of reviews, and every lock."""

from sqlalchemy import select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.http import Page, Paged
from shared.platform_config import Feature, PlatformConfig

from .domain import AffiliateRating, Booking, NoSuchReview, NotCompletedYet, Review
from .schemas import RatingView


async def booking_to_review(session: AsyncSession, booking_id: int) -> Booking:
    """What is known of a booking, while reviews are taken. One that nothing is known of may yet be told of:
    `NotCompletedYet`."""
    statement = select(Booking, PlatformConfig).join(PlatformConfig, true(), isouter=True)
    row = (await session.execute(statement.where(Booking.booking_id == booking_id))).one_or_none()
    if row is None:
        raise NotCompletedYet
    booking, config = row
    if config:
        config.must_be_on(Feature.REVIEWS)
    return booking


async def get_review(session: AsyncSession, review_id: int, *, lock: bool = False) -> Review:
    """A review that was not deleted."""
    review = await session.get(Review, review_id, with_for_update=lock or None)
    if review is None or review.deleted_at is not None:
        raise NoSuchReview
    return review


async def reviews_of(session: AsyncSession, affiliate_id: int, page: Page) -> Paged[Review]:
    """An affiliate's reviews, newest first; one statement."""
    statement = select(Review).where(Review.affiliate_id == affiliate_id, Review.deleted_at.is_(None))
    return await page.of(session, statement, Review.create_time, Review.id, descending=True)


async def rating_of(session: AsyncSession, affiliate_id: int) -> RatingView:
    rating = await session.scalar(select(AffiliateRating).where(AffiliateRating.affiliate_id == affiliate_id))
    if rating is None:
        return RatingView(affiliate_id=affiliate_id, rating_hundredths=0, review_count=0)
    return RatingView.model_validate(rating)


async def lock_rating(session: AsyncSession, affiliate_id: int) -> AffiliateRating:
    """The affiliate's rating with its row locked, in one statement; whoever is reviewed first starts at nothing."""
    start = insert(AffiliateRating).values(affiliate_id=affiliate_id, version=0, rating_sum=0, review_count=0)
    locked = start.on_conflict_do_update(
        index_elements=[AffiliateRating.affiliate_id], set_={"affiliate_id": affiliate_id}
    ).returning(AffiliateRating)
    return (await session.scalars(locked, execution_options={"populate_existing": True})).one()
