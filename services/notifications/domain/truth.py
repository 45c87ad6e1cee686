"""For how long what is worth saying stays true."""

from datetime import datetime

from .booking import Booking
from .kinds import Kind
from .people import Affiliate
from .quote import Quote

AGREED = ("confirmed", "en_route", "in_progress")
# The states of a booking in which a notice about it is true. Refunds, disputes and reviews are true whatever follows.
TRUE_WHILE: dict[Kind, frozenset[str]] = {
    Kind.BOOKING_HELD: frozenset({"held"}),
    Kind.PAYMENT_FAILED: frozenset({"held"}),
    Kind.CHARGE_DUE: frozenset({"confirmed", "en_route", "in_progress", "completed"}),
    Kind.AUTHORISATION_FAILED: frozenset(AGREED),
    Kind.AUTHORISATION_MISSING: frozenset(AGREED),
    Kind.BOOKING_CONFIRMED: frozenset({*AGREED, "completed"}),
    Kind.BOOKING_RECEIVED: frozenset({*AGREED, "completed"}),
    Kind.BOOKING_REMINDER: frozenset({"confirmed"}),
    Kind.BOOKING_REQUESTED: frozenset({"requested"}),
    Kind.BOOKING_DECLINED: frozenset({"declined"}),
    Kind.MOVE_PROPOSED: frozenset({"confirmed"}),
    Kind.EXTRAS_OFFERED: frozenset(AGREED),
    Kind.EXTRAS_AGREED: frozenset({*AGREED, "completed"}),
    Kind.BOOKING_MOVED: frozenset({"held", *AGREED}),
    Kind.BOOKING_MOVED_AWAY: frozenset(AGREED),
    Kind.BOOKING_EN_ROUTE: frozenset({"en_route"}),
    Kind.BOOKING_MISSED: frozenset({"no_show"}),
    Kind.BOOKING_COMPLETED: frozenset({"completed"}),
    Kind.VISIT_PRICED_ANEW: frozenset({"requested", "held"}),
    Kind.BOOKING_EXPIRED: frozenset({"expired"}),
    Kind.BOOKING_CANCELLED: frozenset({"cancelled"}),
    Kind.BOOKING_CALLED_OFF: frozenset({"cancelled"}),
}
# Of a quote likewise; what was said about it is told while it is open or accepted.
SPOKEN_OF = frozenset({"requested", "priced", "accepted"})
TRUE_OF_QUOTE: dict[Kind, frozenset[str]] = {
    Kind.QUOTE_REQUESTED: frozenset({"requested"}),
    Kind.QUOTE_RECEIVED: frozenset({"priced"}),
    Kind.QUOTE_ACCEPTED: frozenset({"accepted"}),
    Kind.QUOTE_REOPENED: frozenset({"priced"}),
    Kind.QUOTE_DECLINED: frozenset({"declined"}),
    Kind.QUOTE_WITHDRAWN: frozenset({"withdrawn"}),
    Kind.QUOTE_CLOSED: frozenset({"closed"}),
    Kind.QUOTE_EXPIRED: frozenset({"expired"}),
    Kind.QUOTE_LAPSED: frozenset({"expired"}),
    Kind.QUOTE_QUESTION: SPOKEN_OF,
    Kind.QUOTE_ANSWER: SPOKEN_OF,
}
WAITS_FOR_SOMEBODY = {Kind.QUOTE_REQUESTED, Kind.QUOTE_RECEIVED, Kind.QUOTE_REOPENED}
# Of an affiliate, the state in which a notice about it is true.
TRUE_OF_APPLICATION = {
    Kind.AFFILIATE_IN_REVIEW: "in_review",
    Kind.AFFILIATE_CHANGES_REQUESTED: "changes_requested",
    Kind.AFFILIATE_APPROVED: "approved",
    Kind.AFFILIATE_REJECTED: "rejected",
    Kind.AFFILIATE_SUSPENDED: "suspended",
    Kind.AFFILIATE_REINSTATED: "approved",
    Kind.AFFILIATE_CLOSED: "closed",
}


def is_still_true(
    kind: Kind, told_start: datetime | None, booking: Booking | None, affiliate: Affiliate | None, at: datetime
) -> bool:
    """Judged by what is known by now. Of what is not known yet, the fact that caused the notice is the newest there is.

    `told_start` is the time of the appointment as the notice has it: one that was moved makes the notice untrue.
    """
    if kind in TRUE_OF_APPLICATION:
        return affiliate is None or affiliate.application_status == TRUE_OF_APPLICATION[kind]
    if kind not in TRUE_WHILE or booking is None:
        return True
    return (
        booking.status in TRUE_WHILE[kind]
        and told_start in (None, booking.appointment_start)
        and _in_time(kind, booking, at)
    )


def is_true_of_quote(kind: Kind, told_version: int | None, quote: Quote | None, at: datetime) -> bool:
    """A price is the one that was named last, and nobody is asked for what can no longer be done."""
    if kind not in TRUE_OF_QUOTE or quote is None:
        return True
    if kind in WAITS_FOR_SOMEBODY and at >= quote.valid_until:
        return False
    is_newest = kind is not Kind.QUOTE_RECEIVED or quote.version == told_version
    return quote.status in TRUE_OF_QUOTE[kind] and is_newest


def _in_time(kind: Kind, booking: Booking, at: datetime) -> bool:
    if kind in (Kind.BOOKING_HELD, Kind.PAYMENT_FAILED):
        return booking.hold_expires_at is None or at < booking.hold_expires_at
    return kind is not Kind.BOOKING_REMINDER or at < booking.appointment_start
