"""What reviews tells: what customers said, and what it comes to."""

from shared.events import Event


class ReviewPosted(Event, aggregate="review", type="reviews.review_posted.v1"):
    review_id: int
    booking_id: int
    affiliate_id: int
    customer_id: int
    rating: int


class RatingChanged(Event, aggregate="affiliate_rating", type="reviews.rating_changed.v1"):
    """An affiliate's rating: the mean of its reviews in hundredths of a star, and how many they are."""

    affiliate_rating_id: int
    affiliate_id: int
    rating_hundredths: int
    review_count: int
