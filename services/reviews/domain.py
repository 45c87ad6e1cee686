"""Rules of reviews: mapped tables and their refusals, no I/O."""

from datetime import datetime
from typing import Self

from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from shared.auth import Actor
from shared.clock import now
from shared.db import Aggregate, Timestamped, new_registry
from shared.errors import Conflict, Forbidden, NotFound

ONE_PER_BOOKING = "uq_reviews_booking_id"
OURS = "mdh"  # the source of reviews written here
# What ended undone for good; one that expired can still be paid and take place.
UNDONE = ("cancelled", "declined", "no_show")


class NoSuchReview(NotFound):
    """There is no such review."""


class NoSuchBooking(NotFound):
    """There is no such booking, or it is not yours to review."""


class NotCompletedYet(Conflict):
    """This booking is not completed yet, or the news has not arrived here. Try again in a moment."""


class NothingToReview(Conflict):
    """This booking did not take place: there is nothing to review."""


class NotForTheTeam(Forbidden):
    """Those who work for an affiliate cannot review it."""


class AlreadyReviewed(Conflict):
    """You have reviewed this booking already. You can change that review."""


class NotYourReview(Forbidden):
    """Only its author can change a review; only its author or the platform's staff can delete it."""


class Base(MappedAsDataclass, DeclarativeBase):
    """Tables of mdh_reviews."""

    registry = new_registry()


class Booking(Timestamped, Base, kw_only=True):
    """Booking's appointment, as far as reviews needs it: a local copy, kept by its events."""

    __tablename__ = "bookings"

    booking_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    status: Mapped[str]

    def must_be_reviewable_by(self, actor: Actor) -> None:
        if self.customer_id != actor.customer_id:
            raise NoSuchBooking
        if actor.works_for(self.affiliate_id):
            raise NotForTheTeam
        if self.status in UNDONE:
            raise NothingToReview
        if self.status != "completed":
            raise NotCompletedYet


class Review(Aggregate, Base, kw_only=True):
    """What one customer says of one booking: 1 to 5 stars and perhaps some words."""

    __tablename__ = "reviews"

    booking_id: Mapped[int]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    rating: Mapped[int]
    comment: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default=OURS)
    create_time: Mapped[datetime] = mapped_column(default_factory=now)
    deleted_at: Mapped[datetime | None] = mapped_column(default=None)

    @classmethod
    def about(cls, booking: Booking, rating: int, comment: str) -> Self:
        return cls(
            booking_id=booking.booking_id,
            customer_id=booking.customer_id,
            affiliate_id=booking.affiliate_id,
            rating=rating,
            comment=comment,
        )

    def is_by(self, actor: Actor) -> bool:
        return actor.customer_id == self.customer_id

    def change(self, actor: Actor, rating: int | None, comment: str | None) -> int:
        """Change what is not None; says by how many stars the rating moved. What changes nothing makes no version."""
        if not self.is_by(actor):
            raise NotYourReview
        before = (self.rating, self.comment)
        self.rating = self.rating if rating is None else rating
        self.comment = self.comment if comment is None else comment
        if (self.rating, self.comment) != before:
            self.version += 1
        return self.rating - before[0]

    def delete(self, actor: Actor, at: datetime) -> str:
        """Take it back, or take it down; says who did: `author` or `staff`."""
        if not (self.is_by(actor) or actor.is_staff):
            raise NotYourReview
        self.deleted_at = at
        self.version += 1
        return "author" if self.is_by(actor) else "staff"


class AffiliateRating(Aggregate, Base, kw_only=True):
    """What an affiliate's reviews come to. Kept as a sum, so that each review moves it exactly, in any order."""

    __tablename__ = "affiliate_ratings"

    affiliate_id: Mapped[int]
    rating_sum: Mapped[int] = mapped_column(default=0)
    review_count: Mapped[int] = mapped_column(default=0)

    @property
    def rating_hundredths(self) -> int:
        """The mean in hundredths of a star, rounded half up; 0 while there is no review."""
        return (self.rating_sum * 200 + self.review_count) // (2 * self.review_count) if self.review_count else 0

    def move(self, *, stars: int, reviews: int) -> None:
        """So many stars and so many reviews more, or fewer."""
        self.rating_sum += stars
        self.review_count += reviews
        self.version += 1
