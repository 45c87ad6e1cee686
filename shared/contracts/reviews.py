"""What reviews tells: what customers said, and what it comes to."""

from shared.contracts.personal import DataErased, DataExported
from shared.events import Event


class ReviewEvent(Event, aggregate="review"):
    """A review as it now is, `rating` in stars from 1 to 5. Its words are not told: read them where they are kept."""

    review_id: int
    booking_id: int
    affiliate_id: int
    customer_id: int
    rating: int


class ReviewPosted(ReviewEvent, type="reviews.review_posted.v1"):
    pass


class ReviewChanged(ReviewEvent, type="reviews.review_changed.v1"):
    """Its author changed stars or words."""


class ReviewDeleted(ReviewEvent, type="reviews.review_deleted.v1"):
    """It counts no longer; `deleted_by` is author or staff."""

    deleted_by: str


class RatingChanged(Event, aggregate="affiliate_rating", type="reviews.rating_changed.v1"):
    """An affiliate's rating: the mean of its reviews in hundredths of a star, and how many they are."""

    affiliate_rating_id: int
    affiliate_id: int
    rating_hundredths: int
    review_count: int


class PersonalDataExported(DataExported, type="reviews.personal_data_exported.v1"):
    pass


class PersonalDataErased(DataErased, type="reviews.personal_data_erased.v1"):
    pass
