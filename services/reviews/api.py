"""HTTP of reviews."""

from fastapi import Response

from shared.auth import CurrentActor, CurrentCustomer, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, QueryId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from . import commands, queries
from .domain import Review
from .schemas import OwnReviewView, RatingView, ReviewChange, ReviewRequest, ReviewView

router = new_router("reviews", "reviews")


@router.post("/reviews", response_model=OwnReviewView, status_code=201, dependencies=[InPerson, Idempotent])
async def post_review(wanted: ReviewRequest, actor: CurrentCustomer, session: Session, response: Response) -> Review:
    """Review one's own completed booking, once."""
    review = await commands.post_review(session, actor, wanted)
    response.headers["Location"] = f"/reviews/v1/reviews/{review.id}"
    tag(response, review.version)
    return review


@router.get("/reviews", response_model=PageView[ReviewView])
async def reviews(affiliate_id: QueryId, session: ReadSession, page: CurrentPage) -> Paged[Review]:
    """An affiliate's reviews, newest first. Public."""
    return await queries.reviews_of(session, affiliate_id, page)


@router.get("/reviews/{review_id}", response_model=ReviewView)
async def review(review_id: PathId, session: ReadSession, response: Response) -> Review:
    """Public."""
    found = await queries.get_review(session, review_id)
    tag(response, found.version)
    return found


@router.patch("/reviews/{review_id}", response_model=OwnReviewView, dependencies=[InPerson])
async def change_review(
    review_id: PathId, wanted: ReviewChange, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> Review:
    """Change stars or words; by the author."""
    changed = await commands.change_review(session, actor, review_id, version, wanted)
    tag(response, changed.version)
    return changed


@router.delete("/reviews/{review_id}", status_code=204)
async def delete_review(review_id: PathId, actor: CurrentActor, session: Session, version: IfMatch) -> None:
    """Take a review back, or take it down; by the author or by staff. It counts no longer."""
    await commands.delete_review(session, actor, review_id, version)


@router.get("/affiliates/{affiliate_id}/rating", response_model=RatingView)
async def rating(affiliate_id: PathId, session: ReadSession) -> RatingView:
    """What an affiliate's reviews come to. Public."""
    return await queries.rating_of(session, affiliate_id)
