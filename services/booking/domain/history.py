"""A booking, a quote and a series, rebuilt from their events.

Each kind of event may change some fields and no others: `apply` takes over these, and of the first event all that it
says. So a row that was changed without an event, or along with one that has no business with it, is not what it is
rebuilt to. What an event did not say yet, because its contract had no such field when it was told, is left open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.contracts import booking as told
from shared.events import Event

from .booking import Booking
from .quote import Quote
from .series import Series

State = Mapping[str, Any]
Row = Booking | Quote | Series


@dataclass(frozen=True)
class Change:
    """What an event may change, by the row's names: `adds` to a sum what it says, or has another name for it."""

    sets: tuple[str, ...]
    adds: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)


def _change(sets: str, adds: str = "", **named: str) -> Change:
    return Change(tuple(sets.split()), tuple(adds.split()), named)


# One line for each event of a booking, of a quote and of a series.
CHANGES: dict[type[Event], Change] = {
    told.BookingRequested: _change("status"),
    told.BookingDeclined: _change("status cancel_reason"),
    told.BookingHeld: _change("status hold_expires_at crew_id blocked_from blocked_until"),
    told.BookingConfirmed: _change("status paid_cents blocked_from blocked_until"),
    told.BookingExpired: _change("status"),
    told.BookingMoveProposed: _change("proposed_start"),
    told.BookingRescheduled: _change(
        "crew_id appointment_start appointment_end blocked_from blocked_until free_until hold_expires_at proposed_start"
        " price_cents tax_cents commission_cents lines late_fee_cents no_show_fee_cents"
    ),
    told.BookingExtrasOffered: _change("extras extra_minutes"),
    told.BookingExtrasAgreed: _change(
        "appointment_end blocked_from blocked_until price_cents tax_cents commission_cents lines late_fee_cents"
        " no_show_fee_cents extras extra_minutes"
    ),
    told.BookingExtrasDropped: _change("extras extra_minutes"),
    told.BookingEnRoute: _change("status eta"),
    told.BookingStarted: _change("status started_at"),
    told.BookingCompleted: _change("status completed_at notes photos extras extra_minutes"),
    told.BookingNoShow: _change("status fee_cents extras extra_minutes", adds="refund_cents"),
    told.BookingCancelled: _change(
        "status paid_cents fee_cents cancelled_by cancel_reason extras extra_minutes",
        adds="refund_cents",
        cancel_reason="reason",
    ),
    told.BookingRefundDue: _change("paid_cents", adds="refund_cents"),
    told.BookingChargeDue: _change("price_cents tax_cents commission_cents lines"),
    told.BookingChargeCalledOff: _change(""),
    told.BookingPaid: _change("paid_cents"),
    told.QuoteRequested: _change("status"),
    told.QuotePriced: _change("status lines price_cents tax_cents duration_minutes currency valid_until note"),
    told.QuoteAccepted: _change("status booking_id"),
    told.QuoteDeclined: _change("status reason"),
    told.QuoteWithdrawn: _change("status reason"),
    told.QuoteClosed: _change("status"),
    told.QuoteExpired: _change("status booking_id"),
    told.QuoteReopened: _change("status booking_id"),
    told.SeriesStarted: _change("status"),
    told.SeriesChanged: _change("last_on followed_by_id"),
    told.SeriesPaused: _change("status paused_by"),
    told.SeriesResumed: _change("status paused_by active_since"),
    told.SeriesEnded: _change("status paused_by last_on followed_by_id ended_by end_reason"),
}


@dataclass(frozen=True)
class Life:
    """What has one: its rows, and what is so before any event says otherwise.

    `parts` are columns that events tell by other names, of `silent` ones they say nothing. What is `personal` is empty
    once its person is erased, in the row as in the events.
    """

    row: type[Row]
    before: State
    parts: Mapping[str, tuple[str, ...]]
    silent: frozenset[str]
    personal: frozenset[str]


BOOKINGS = Life(
    Booking,
    before={"refund_cents": 0, "cancelled_by": None, "cancel_reason": None},
    parts={"blocked": ("blocked_from", "blocked_until"), "photo_urls": ("photos",)},
    silent=frozenset({"id", "created_at", "updated_at"}),
    personal=told.BookingEvent.personal | {"cancel_reason"},
)
QUOTES = Life(
    Quote,
    before={},
    parts={"photo_urls": ("photos",)},
    silent=frozenset({"id", "updated_at"}),
    personal=told.QuoteEvent.personal,
)
SERIES = Life(
    Series,
    before={},
    parts={},
    silent=frozenset({"id", "created_at", "updated_at", "next_on", "due_at"}),  # what is still to be seen to, and when
    personal=told.SeriesEvent.personal,
)
LIVES: dict[str, Life] = {"booking": BOOKINGS, "quote": QUOTES, "series": SERIES}


def apply(state: State, event: Event) -> State:
    """What the row says after this event, if it was `state` before; that is empty before the first."""
    said, change = _said(event), CHANGES[type(event)]
    if not state:
        return {**LIVES[event.aggregate].before, **said}
    taken = {name: said[name] for name in change.sets if name in said}
    summed = {name: state.get(name, 0) + said[name] for name in change.adds}
    return {**state, **taken, **summed, "version": event.version}


def _said(event: Event) -> dict[str, Any]:
    """What it told of the row, by the row's names; fields that its contract got later it did not tell."""
    row, named = LIVES[event.aggregate].row, CHANGES[type(event)].named
    said = {name: getattr(event, name) for name in event.model_fields_set if hasattr(row, name)}
    return said | {name: getattr(event, other) for name, other in named.items()}


def differences(life: Life, row: Row, state: State) -> dict[str, tuple[Any, Any]]:
    """The fields that are not what the events say, each as it is and as they say it is."""
    is_now = {name: getattr(row, name) for name in state}
    gone = {name for name in life.personal & set(state) if not is_now[name] and not state[name]}
    return {name: (now, state[name]) for name, now in is_now.items() if now != state[name] and name not in gone}
