"""What booking tells: the life of an appointment."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.personal import DataErased, DataExported
from shared.events import PERSONAL, Event
from shared.pricing import LineItem, Wanted
from shared.vehicles import Condition, SizeClass


class BookingEvent(Event, aggregate="booking", person="customer_id"):
    """A booking as it now is. Times are UTC; `timezone` is where the appointment is; money in cents of `currency`.

    `price_cents` is what the customer pays, `tax_cents` in it; `lines` add up to it (bookings made before there were
    lines have none). `promotion_id` is the code that was used.
    `payment_mode` is full where the platform takes the price, deposit where it takes `deposit_cents` of it first and
    the rest when it is done, authorise where it holds the price on a card and takes it when it is done, on_site where
    the affiliate takes it at the door: then `paid_cents` stays 0. `fee_cents` is what a late end costs, where nothing
    was taken yet.
    `vehicle` are the vehicles in the customer's words, one a line. The crew begins up to `arrival_window_minutes` after
    `appointment_start`. `extras` are offered on top, with their tax, and not answered yet.
    What is null or empty was not told before there was such a field, or is not known yet: together, a booking's
    events say all that its row does.
    """

    booking_id: int
    customer_id: int
    affiliate_id: int
    crew_id: int
    service_id: int
    tier_id: int
    service_name: str
    tier_name: str
    status: str
    appointment_start: datetime
    appointment_end: datetime
    timezone: str
    address: Annotated[str, PERSONAL]
    zip: Annotated[str, PERSONAL]
    price_cents: int
    commission_cents: int
    currency: str
    lines: list[LineItem] = []
    tax_cents: int = 0
    size_class: SizeClass | None = None
    condition: Condition | None = None
    vehicles: list[Wanted] = []
    vehicle: Annotated[str, PERSONAL] = ""
    arrival_window_minutes: int = 0
    extras: list[LineItem] = []
    extra_minutes: int = 0
    promotion_id: int | None = None
    quote_id: int | None = None
    series_id: int | None = None
    blocked_from: datetime | None = None
    blocked_until: datetime | None = None
    free_until: datetime | None = None
    late_fee_cents: int | None = None
    no_show_fee_cents: int | None = None
    hold_expires_at: datetime | None = None
    paid_cents: int | None = None
    payment_mode: str = "full"
    deposit_cents: int | None = None
    refund_cents: int | None = None
    fee_cents: int | None = None
    cancelled_by: str | None = None
    cancel_reason: Annotated[str | None, PERSONAL] = None
    proposed_start: datetime | None = None
    eta: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    notes: Annotated[str | None, PERSONAL] = None
    photos: Annotated[str, PERSONAL] = ""


class BookingRequested(BookingEvent, type="booking.requested.v1"):
    """Somebody asks for a time; nothing is taken until the affiliate says yes, which it can until `hold_expires_at`."""


class BookingDeclined(BookingEvent, type="booking.declined.v1"):
    """The affiliate said no, or the time went to another; `other_times` are the next that were free."""

    other_times: list[datetime]


class BookingHeld(BookingEvent, type="booking.held.v1"):
    """A slot is taken until `hold_expires_at`, or for good once paid."""

    hold_expires_at: datetime


class BookingConfirmed(BookingEvent, type="booking.confirmed.v1"):
    pass


class BookingExpired(BookingEvent, type="booking.expired.v1"):
    """Not paid in time; the slot is free again."""


class BookingMoveProposed(BookingEvent, type="booking.move_proposed.v1"):
    """The affiliate asks for another time, `proposed_start`; until the customer agrees, the old one stands."""


class BookingRescheduled(BookingEvent, type="booking.rescheduled.v1"):
    """Another time for the same appointment. A difference in price is told beside it: charge_due or refund_due."""

    previous_start: datetime


class BookingExtrasOffered(BookingEvent, type="booking.extras_offered.v1"):
    """The crew would do more, for what `extras` add up to; until the customer agrees, nothing changes."""


class BookingExtrasAgreed(BookingEvent, type="booking.extras_agreed.v1"):
    """They are part of the price and of the appointment now. What they cost is told beside it: charge_due."""


class BookingExtrasDropped(BookingEvent, type="booking.extras_dropped.v1"):
    """Refused by the customer, or taken back."""


class BookingEnRoute(BookingEvent, type="booking.en_route.v1"):
    """The crew is on its way and means to be there at `eta`, if it says so."""


class BookingStarted(BookingEvent, type="booking.started.v1"):
    pass


class BookingCompleted(BookingEvent, type="booking.completed.v1"):
    """Done, as the crew says: what it noted, and `photos` as URLs, one a line."""


class BookingNoShow(BookingEvent, type="booking.no_show.v1"):
    """The crew was there and the customer was not: `refund_cents` of what was paid goes back, the rest is the fee.
    `fee_due_cents` of it were not paid yet: where the price is only taken when it is done, so much is taken instead.
    `kept_cents` is all that stays of what was ever paid; null where it was not told yet."""

    refund_cents: int
    fee_due_cents: int = 0
    kept_cents: int | None = None


class BookingCancelled(BookingEvent, type="booking.cancelled.v1"):
    """`refund_cents` of what was paid goes back; `cancelled_by` is customer, affiliate, staff or platform.
    `fee_due_cents` is what is to be taken instead of the price, where that is only taken when it is done. `kept_cents`
    is all that stays of what was ever paid; null where it was not told yet."""

    refund_cents: int
    fee_due_cents: int = 0
    kept_cents: int | None = None
    cancelled_by: str
    reason: Annotated[str, PERSONAL]


class BookingRefundDue(BookingEvent, type="booking.refund_due.v1"):
    """Money came for a booking that was cancelled before, or more of it than the booking costs by now: `refund_cents`
    of it goes back."""

    refund_cents: int


class BookingChargeDue(BookingEvent, type="booking.charge_due.v1"):
    """A booking that is confirmed costs more than was asked for so far: `charge_cents` are to be paid on top, in a
    payment of their own. `charge_for` is reschedule (to a dearer time) or extras (agreed at the door)."""

    charge_cents: int
    charge_for: str


class BookingChargeCalledOff(BookingEvent, type="booking.charge_called_off.v1"):
    """It costs less by now: what was to be paid on top and is not paid yet is not wanted any more. What is missing all
    the same is asked for anew."""


class BookingPaid(BookingEvent, type="booking.paid.v1"):
    """More of its price came after it was confirmed: `paid_cents` is all that did."""


class CrewChanged(Event, aggregate="crew", type="booking.crew_changed.v1"):
    """A crew as it now is: an affiliate does as many jobs at once as it has active ones."""

    crew_id: int
    affiliate_id: int
    name: str
    active: bool
    buffer_before_minutes: int
    buffer_minutes: int
    max_jobs_per_day: int | None
    max_minutes_per_day: int | None


class ScheduleSettingsChanged(Event, aggregate="schedule_settings", type="booking.schedule_settings_changed.v1"):
    """How an affiliate may be booked; lead time and horizon null: the platform's."""

    schedule_settings_id: int
    affiliate_id: int
    slot_interval_minutes: int
    lead_minutes: int | None
    horizon_days: int | None
    request_to_book: bool
    arrival_window_minutes: int


class Window(BaseModel):
    """Weekly hours; weekday 0 is Monday, minutes count from local midnight. Of one crew or all (null); with `zips`, or
    `near_radius_m` around `near_zip`, only for jobs at these places."""

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)

    weekday: int
    opens_minute: int
    closes_minute: int
    crew_id: int | None
    zips: list[str]
    near_zip: str | None
    near_radius_m: int | None


class AvailabilityChanged(Event, aggregate="availability", type="booking.availability_changed.v1"):
    """All weekly windows of an affiliate, in the place of those before; `availability_id` is the affiliate's own."""

    availability_id: int
    affiliate_id: int
    windows: list[Window]


class ExceptionEvent(Event, aggregate="availability_exception"):
    """When an affiliate, or one of its crews, works otherwise: `kind` is closed, vacation or extra_hours, on local
    days, both included, from minute to minute. It never changes: version 1 is there, version 2 is gone."""

    availability_exception_id: int
    affiliate_id: int
    crew_id: int | None
    kind: str
    first_day: date
    last_day: date
    from_minute: int
    to_minute: int


class ExceptionAdded(ExceptionEvent, type="booking.exception_added.v1"):
    pass


class ExceptionRemoved(ExceptionEvent, type="booking.exception_removed.v1"):
    pass


class QuoteEvent(Event, aggregate="quote", person="customer_id"):
    """A quote as it now is, whole: what a customer asked of one affiliate, and the answer. Quotes with one `request_id`
    were asked for together.

    `lines` add up to `price_cents`; there are none, and no price, before the affiliate names one. `valid_until` is
    until when it can be priced, or accepted once it is. `photos` are URLs, one a line. `reason` is that of whoever
    declined or withdrew. `booking_id` is what an accepted quote became.
    """

    quote_id: int
    request_id: UUID
    customer_id: int
    affiliate_id: int
    service_id: int
    tier_id: int
    service_name: str
    tier_name: str
    status: str
    size_class: SizeClass
    condition: Condition
    vehicle: Annotated[str, PERSONAL]
    photos: Annotated[str, PERSONAL]
    address: Annotated[str, PERSONAL]
    zip: Annotated[str, PERSONAL]
    wished_times: list[datetime]
    budget_cents: int | None
    description: Annotated[str, PERSONAL]
    currency: str
    valid_until: datetime
    lines: list[LineItem]
    price_cents: int | None
    tax_cents: int
    duration_minutes: int | None
    note: Annotated[str, PERSONAL]
    reason: Annotated[str | None, PERSONAL]
    booking_id: int | None
    created_at: datetime


class QuoteRequested(QuoteEvent, type="booking.quote_requested.v1"):
    pass


class QuotePriced(QuoteEvent, type="booking.quote_priced.v1"):
    """For the first time, or anew."""


class QuoteAccepted(QuoteEvent, type="booking.quote_accepted.v1"):
    """A slot is held at its price."""


class QuoteDeclined(QuoteEvent, type="booking.quote_declined.v1"):
    pass


class QuoteWithdrawn(QuoteEvent, type="booking.quote_withdrawn.v1"):
    pass


class QuoteClosed(QuoteEvent, type="booking.quote_closed.v1"):
    """Another affiliate's quote of the same request was accepted."""


class QuoteExpired(QuoteEvent, type="booking.quote_expired.v1"):
    pass


class QuoteReopened(QuoteEvent, type="booking.quote_reopened.v1"):
    """Its booking ended unpaid: it can be accepted again."""


# Every change of a quote is one of these.
QUOTE_EVENTS: tuple[type[QuoteEvent], ...] = (
    QuoteRequested,
    QuotePriced,
    QuoteAccepted,
    QuoteDeclined,
    QuoteWithdrawn,
    QuoteClosed,
    QuoteExpired,
    QuoteReopened,
)


class QuoteMessageSent(Event, aggregate="quote_message", person="customer_id", type="booking.quote_message.v1"):
    """Something that one side said to the other: `author` is customer or affiliate. It never changes."""

    quote_message_id: int
    quote_id: int
    customer_id: int
    affiliate_id: int
    service_name: str
    author: str
    author_user_id: int | None
    body: Annotated[str, PERSONAL]
    created_at: datetime


# Every change of a booking is one of these: whoever keeps a copy listens to all.
BOOKING_EVENTS: tuple[type[BookingEvent], ...] = (
    BookingRequested,
    BookingDeclined,
    BookingHeld,
    BookingConfirmed,
    BookingExpired,
    BookingMoveProposed,
    BookingRescheduled,
    BookingExtrasOffered,
    BookingExtrasAgreed,
    BookingExtrasDropped,
    BookingEnRoute,
    BookingStarted,
    BookingCompleted,
    BookingNoShow,
    BookingCancelled,
    BookingRefundDue,
    BookingPaid,
    BookingChargeDue,
    BookingChargeCalledOff,
)


class SeriesEvent(Event, aggregate="series", person="customer_id"):
    """A series as it now is: the same done every `every_weeks` weeks, from `first_on` until `last_on` (null: on and
    on), `minute` minutes after midnight by the clocks of `timezone`.

    `status` is active, paused or ended. `paused_by` is customer, unpaid (several visits in a row) or affiliate
    (suspended). `ended_by` is customer, affiliate or platform, which ends it after its last day. Where a customer wants
    something else from a day on, another series follows: `followed_by_id`. Size, condition and add-ons are those of the
    first of `vehicles` (empty: it was not told yet); `vehicle` says in the customer's words what they are, one a line.
    Each visit is one more use of the promotion, as long as that applies.
    """

    series_id: int
    customer_id: int
    affiliate_id: int
    service_id: int
    tier_id: int
    service_name: str
    tier_name: str
    status: str
    every_weeks: int
    first_on: date
    last_on: date | None
    minute: int
    timezone: str
    address: Annotated[str, PERSONAL]
    zip: Annotated[str, PERSONAL]
    size_class: SizeClass
    condition: Condition
    add_on_ids: list[int]
    vehicles: list[Wanted] = []
    vehicle: Annotated[str, PERSONAL] = ""
    promotion_id: int | None = None
    price_cents: int
    currency: str
    active_since: datetime
    paused_by: str | None
    ended_by: str | None
    end_reason: Annotated[str | None, PERSONAL]
    followed_by_id: int | None


class SeriesStarted(SeriesEvent, type="booking.series_started.v1"):
    pass


class SeriesChanged(SeriesEvent, type="booking.series_changed.v1"):
    """It ends on another day than was said."""


class SeriesPaused(SeriesEvent, type="booking.series_paused.v1"):
    """No further visits are booked; those that are stay."""


class SeriesResumed(SeriesEvent, type="booking.series_resumed.v1"):
    pass


class SeriesEnded(SeriesEvent, type="booking.series_ended.v1"):
    pass


SERIES_EVENTS: tuple[type[SeriesEvent], ...] = (
    SeriesStarted,
    SeriesChanged,
    SeriesPaused,
    SeriesResumed,
    SeriesEnded,
)


class SeriesVisitEvent(Event, aggregate="series_visit"):
    """A visit of a series: `on_date` is its local day by the rhythm of the series, whenever its booking is."""

    series_visit_id: int
    series_id: int
    customer_id: int
    affiliate_id: int
    service_name: str
    tier_name: str
    timezone: str
    on_date: date


class SeriesVisitBooked(SeriesVisitEvent, type="booking.series_visit_booked.v1"):
    """`previous_price_cents` is what the last visit that was booked cost, or was to cost when the series began."""

    booking_id: int
    appointment_start: datetime
    price_cents: int
    previous_price_cents: int
    currency: str


class SeriesVisitMissed(SeriesVisitEvent, type="booking.series_visit_missed.v1"):
    """Its time could not be had: `reason` is the code of the refusal, or no-such-time where the clocks skip it. It
    would have been at `starts_at`; `other_times` are the next that were free."""

    starts_at: datetime | None
    reason: str
    other_times: list[datetime]


class SeriesVisitSkipped(SeriesVisitEvent, type="booking.series_visit_skipped.v1"):
    """Left out: its customer wanted that, or one that was paid before stays in its place."""


SERIES_VISIT_EVENTS: tuple[type[SeriesVisitEvent], ...] = (SeriesVisitBooked, SeriesVisitMissed, SeriesVisitSkipped)


class FreeDaysChanged(Event, aggregate="free_days", type="booking.free_days_changed.v1"):
    """The local days on which an affiliate can still be booked for something, up to the horizon: a coarse signal.

    Whole, in order, without gaps in `version`: it replaces all that was told of the affiliate before. An affiliate of
    which nothing was told has none. A day that has passed (by the affiliate's clocks) is left out without being told,
    and on one that is told, the last time may be gone by now: what can be booked is what booking's slots say.
    """

    free_days_id: int
    affiliate_id: int
    days: list[date]


class ExternalCalendarEvent(Event, aggregate="external_calendar"):
    """A calendar that keeps a crew of an affiliate; where it is stays with booking."""

    external_calendar_id: int
    affiliate_id: int
    crew_id: int


class ExternalCalendarConnected(ExternalCalendarEvent, type="booking.external_calendar_connected.v1"):
    pass


class ExternalCalendarRemoved(ExternalCalendarEvent, type="booking.external_calendar_removed.v1"):
    pass


class CalendarFeedEvent(Event, aggregate="calendar_feed"):
    """The secret address of a customer's, an affiliate's or a crew's calendar; the address itself is told to nobody."""

    calendar_feed_id: int
    customer_id: int | None = None
    affiliate_id: int | None = None
    crew_id: int | None = None


class CalendarFeedMade(CalendarFeedEvent, type="booking.calendar_feed_made.v1"):
    """It has an address, or another one than before."""


class CalendarFeedRevoked(CalendarFeedEvent, type="booking.calendar_feed_revoked.v1"):
    pass


class PersonalDataExported(DataExported, type="booking.personal_data_exported.v1"):
    pass


class PersonalDataErased(DataErased, type="booking.personal_data_erased.v1"):
    pass


class ErasurePutOff(Event, aggregate="erasure_receipt", type="booking.erasure_put_off.v1"):
    """A booking of this customer is live: nothing was erased, and asking again makes sense after `until`."""

    erasure_receipt_id: int
    customer_id: int
    until: datetime
