"""What customers give on top, for a job that is done."""

from shared.errors import Conflict, Forbidden, Unprocessable

from .booking import Booking

LEAST_CENTS, MOST_CENTS = 50, 20_000


class TipsNotTaken(Forbidden):
    """Tips are not taken at present."""


class NotCompletedYet(Conflict):
    """A booking can be tipped once it is completed."""


class TipOutOfBounds(Unprocessable):
    """A tip is at least `least_cents`, and at most `most_cents`."""


class TippedAlready(Conflict):
    """You have tipped this booking already."""


def must_be_fair(booking: Booking, cents: int) -> None:
    """At most the price, and at most 20,000 cents, so that a slip of the finger does not cost a fortune."""
    if booking.status != "completed":
        raise NotCompletedYet
    most = min(booking.price_cents, MOST_CENTS)
    if not LEAST_CENTS <= cents <= most:
        raise TipOutOfBounds(least_cents=LEAST_CENTS, most_cents=most)
