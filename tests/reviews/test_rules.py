"""Rules of reviews, without a database."""

from datetime import UTC, datetime

import pytest

from services.reviews.domain import (
    AffiliateRating,
    Booking,
    NoSuchBooking,
    NotCompletedYet,
    NotForTheTeam,
    NothingToReview,
    NotYourReview,
    Review,
)
from shared.auth import Actor, Role
from shared.errors import Refusal
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

AT = datetime(2026, 5, 4, tzinfo=UTC)


def booking(status: str = "completed") -> Booking:
    return Booking(booking_id=1, version=3, customer_id=7, affiliate_id=31, status=status)


def review() -> Review:
    return Review.about(booking(), 4, "Clean")


@pytest.mark.parametrize(
    ("status", "customer_id", "refusal"),
    [
        ("completed", 7, None),
        ("held", 7, NotCompletedYet),
        ("confirmed", 7, NotCompletedYet),
        ("expired", 7, NotCompletedYet),
        ("requested", 7, NotCompletedYet),
        ("en_route", 7, NotCompletedYet),
        ("in_progress", 7, NotCompletedYet),
        ("cancelled", 7, NothingToReview),
        ("declined", 7, NothingToReview),
        ("no_show", 7, NothingToReview),
        ("completed", 8, NoSuchBooking),
        ("confirmed", 8, NoSuchBooking),
    ],
)
def test_one_reviews_what_was_done_for_one(status: str, customer_id: int, refusal: type[Refusal] | None) -> None:
    if refusal is None:
        booking(status).must_be_reviewable_by(customer(customer_id))
    else:
        with pytest.raises(refusal):
            booking(status).must_be_reviewable_by(customer(customer_id))


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER, Role.TECHNICIAN])
def test_nobody_reviews_the_affiliate_that_they_work_for(role: Role) -> None:
    insider = Actor(user_id=9, customer_id=7, affiliates={booking().affiliate_id: role})
    with pytest.raises(NotForTheTeam):
        booking("completed").must_be_reviewable_by(insider)


@pytest.mark.parametrize(
    ("stars", "hundredths"),
    [([], 0), ([5], 500), ([1], 100), ([4, 5], 450), ([5, 5, 4], 467), ([1, 1, 2], 133), ([1] * 7 + [2], 113)],
)
def test_the_mean_is_rounded_half_up_to_a_hundredth(stars: list[int], hundredths: int) -> None:
    assert (
        AffiliateRating(affiliate_id=31, rating_sum=sum(stars), review_count=len(stars)).rating_hundredths == hundredths
    )


@pytest.mark.parametrize(
    ("rating", "comment", "moved", "version"),
    [(2, None, -2, 2), (5, "Better", 1, 2), (None, "Other words", 0, 2), (4, "Clean", 0, 1), (None, None, 0, 1)],
)
def test_a_change_moves_the_rating_by_the_difference(
    rating: int | None, comment: str | None, moved: int, version: int
) -> None:
    changed = review()
    assert changed.change(customer(7), rating, comment) == moved
    assert changed.version == version


@pytest.mark.parametrize("by", [customer(8), member(31), ADMIN, Actor(user_id=7, roles=frozenset({Role.CUSTOMER}))])
def test_only_the_author_changes_a_review(by: Actor) -> None:
    with pytest.raises(NotYourReview):
        review().change(by, 1, None)


@pytest.mark.parametrize(("by", "who"), [(customer(7), "author"), (ADMIN, "staff"), (SUPPORT, "staff")])
def test_author_and_staff_delete_a_review(by: Actor, who: str) -> None:
    deleted = review()
    assert deleted.delete(by, AT) == who
    assert (deleted.deleted_at, deleted.version) == (AT, 2)


@pytest.mark.parametrize("by", [customer(8), member(31), Actor(user_id=1007)])
def test_nobody_else_deletes_a_review(by: Actor) -> None:
    with pytest.raises(NotYourReview):
        review().delete(by, AT)
