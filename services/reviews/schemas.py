"""What the API of reviews takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StrictInt

from shared.http import Body, Id, Text, View

Stars = Annotated[StrictInt, Field(ge=1, le=5, description="stars")]


class ReviewRequest(Body):
    booking_id: Id
    rating: Stars
    comment: Text = ""


class ReviewChange(Body):
    """What is left out, or null, stays as it is."""

    rating: Stars | None = None
    comment: Text | None = None


class ReviewView(View):
    """A review as everybody may see it: nothing about the customer but what the customer wrote."""

    id: int
    version: int
    affiliate_id: int
    rating: int
    comment: str
    source: str
    create_time: datetime
    updated_at: datetime


class OwnReviewView(ReviewView):
    """A review as its author sees it."""

    booking_id: int


class RatingView(View):
    """The mean in hundredths of a star; 0 while there is no review."""

    affiliate_id: int
    rating_hundredths: int
    review_count: int
