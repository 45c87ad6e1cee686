"""What is said, to whom, how it reads, and when it stops being true; no database."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jinja2 import UndefinedError
from pydantic import ValidationError

from services.notifications.domain.booking import Booking
from services.notifications.domain.kinds import Kind
from services.notifications.domain.notice import (
    TELLS,
    Notice,
    affects_affiliate,
    notices_of,
    reminder_of,
)
from services.notifications.domain.people import Affiliate, Contact
from services.notifications.domain.quote import Quote
from services.notifications.domain.truth import TRUE_OF_QUOTE, is_still_true, is_true_of_quote
from services.notifications.links import Link
from services.notifications.settings import Settings
from services.notifications.texts import letter, local, one_line, words_of
from shared.contracts import booking as bookings
from shared.contracts.catalog import (
    AffiliateApproved,
    AffiliateChangesRequested,
    AffiliateClosed,
    AffiliateInReview,
    AffiliateReinstated,
    AffiliateRejected,
    AffiliateSuspended,
)
from shared.contracts.identity import (
    PasswordChanged,
    RecoveryCodeUsed,
    SecondFactorDisabled,
    SecondFactorEnabled,
    SignInLinked,
    SignInUnlinked,
    UserClosed,
)
from shared.contracts.payments import (
    AccountChanged,
    AuthorisationFailed,
    EvidenceDue,
    PaidOut,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PayoutRefused,
    PayoutReversed,
)
from shared.contracts.reviews import ReviewPosted
from shared.events import Event
from shared.money import shown
from shared.papers import PaperKind
from shared.settings import Profile, Role
from tests.notifications.conftest import (
    ACTS,
    AFFILIATE,
    KEY_MADE,
    KEY_REVOKED,
    REINSTATED,
    START,
    SUSPENDED,
    affiliate,
    booking,
    change_requested,
    changed,
    dispute,
    erasure_accepted,
    export_ready,
    invitation,
    issued,
    mail_settings,
    payment,
    quote,
    repeated,
    reset_requested,
    reused,
    said,
    security,
    series,
    verification,
    visit,
)

EXTRAS = [
    {"kind": "add_on", "label": "Pet hair", "amount_cents": 2_500},
    {"kind": "add_on", "label": "Wax", "amount_cents": 3_000, "vehicle": 2},
]
NOW = datetime(2199, 1, 1, tzinfo=UTC)
ADA = Contact(
    user_id=1, version=1, customer_id=7, email="a@example.org", full_name="Ada", locale="en", timezone="America/Chicago"
)


def known(status: str = "confirmed", *, expires: datetime | None = None, start: datetime = START) -> Booking:
    return Booking(
        booking_id=1, version=1, customer_id=7, affiliate_id=31, status=status, service_name="Full detail",
        appointment_start=start, appointment_end=start + timedelta(hours=2), timezone="America/New_York",
        hold_expires_at=expires,
    )  # fmt: skip


def payouts(status: str) -> AccountChanged:
    return AccountChanged(
        payout_account_id=5, version=3, affiliate_id=AFFILIATE, status=status, payouts_enabled=status == "complete"
    )


def cancelled_late(fee_due_cents: int) -> bookings.BookingCancelled:
    """Of an appointment that was to be paid when it is done."""
    told = {"refund_cents": 0, "cancelled_by": "customer", "reason": "Sold the car", "payment_mode": "authorise"}
    event = booking(bookings.BookingCancelled, 3, "cancelled", fee_due_cents=fee_due_cents, **told)
    assert isinstance(event, bookings.BookingCancelled)
    return event


def missed(reason: str, **more: Any) -> bookings.SeriesVisitMissed:
    return visit(bookings.SeriesVisitMissed, starts_at=START, reason=reason, **{"other_times": []} | more)


def priced_visit(cents: int) -> bookings.SeriesVisitBooked:
    told = {"booking_id": 61, "appointment_start": START, "price_cents": cents, "currency": "USD"}
    return visit(bookings.SeriesVisitBooked, **told, previous_price_cents=18_900)


PAID_OUT: dict[str, Any] = {"payout_id": 5, "affiliate_id": AFFILIATE, "amount_cents": 16_065, "currency": "USD"}
EVENTS: list[Event] = [
    booking(bookings.BookingHeld, 1, "held"),
    booking(bookings.BookingConfirmed, 2, "confirmed"),
    booking(bookings.BookingConfirmed, 2, "confirmed", payment_mode="on_site"),
    booking(bookings.BookingHeld, 1, "held", payment_mode="deposit", deposit_cents=4_000),
    booking(bookings.BookingConfirmed, 2, "confirmed", payment_mode="deposit", deposit_cents=4_000),
    booking(bookings.BookingHeld, 1, "held", payment_mode="authorise"),
    booking(bookings.BookingConfirmed, 2, "confirmed", payment_mode="authorise"),
    booking(bookings.BookingEnRoute, 3, "en_route"),
    booking(bookings.BookingRequested, 1, "requested", hold_expires_at=START),
    booking(bookings.BookingDeclined, 2, "declined", other_times=[]),
    booking(bookings.BookingDeclined, 2, "declined", other_times=[START, START], cancel_reason="Rain"),
    booking(bookings.BookingMoveProposed, 3, "confirmed", proposed_start=START),
    booking(bookings.BookingExtrasOffered, 3, "confirmed", extras=EXTRAS),
    booking(bookings.BookingExtrasOffered, 3, "confirmed", extras=EXTRAS, extra_minutes=30),
    booking(bookings.BookingExtrasAgreed, 3, "confirmed", lines=EXTRAS),
    booking(bookings.BookingExtrasAgreed, 3, "confirmed", lines=EXTRAS, payment_mode="on_site"),
    booking(bookings.BookingConfirmed, 2, "confirmed", lines=EXTRAS, vehicle="A Golf", arrival_window_minutes=60),
    booking(bookings.BookingRescheduled, 3, "confirmed", previous_start=START),
    booking(bookings.BookingEnRoute, 3, "en_route", eta=START),
    booking(bookings.BookingCompleted, 3, "completed"),
    booking(bookings.BookingNoShow, 3, "no_show", refund_cents=0),
    booking(bookings.BookingNoShow, 3, "no_show", refund_cents=500),
    booking(bookings.BookingExpired, 2, "expired"),
    booking(bookings.BookingCancelled, 3, "cancelled", refund_cents=18_900, cancelled_by="affiliate", reason="Rain"),
    booking(bookings.BookingNoShow, 3, "no_show", refund_cents=0, fee_due_cents=900, payment_mode="authorise"),
    cancelled_late(900),
    cancelled_late(0),
    payment(PaymentFailed, 2, "failed", reason="card declined"),
    *(booking(bookings.BookingChargeDue, 3, "confirmed", charge_cents=500, charge_for=of) for of in ("extras", "x")),
    booking(bookings.BookingChargeDue, 3, "confirmed", charge_cents=500, charge_for="reschedule"),
    payment(PaymentFailed, 2, "requires_payment", reason="card declined", purpose="tip"),
    payment(PaymentFailed, 2, "failed", reason="card declined", purpose="extra"),
    payment(PaymentFailed, 2, "requires_payment", reason="card declined", purpose="fee"),
    *(payment(AuthorisationFailed, 4, status, reason="card declined") for status in ("requires_payment", "failed")),
    payment(PaymentCaptured, 2, "captured", purpose="tip"),
    payment(PaymentRefunded, 4, "refunded", refund_cents=18_900),
    quote(bookings.QuoteRequested, 1, "requested"),
    quote(bookings.QuotePriced, 2, "priced"),
    quote(bookings.QuoteAccepted, 3, "accepted", booking_id=61),
    quote(bookings.QuoteReopened, 4, "priced"),
    quote(bookings.QuoteDeclined, 2, "declined", reason="Too far"),
    quote(bookings.QuoteWithdrawn, 2, "withdrawn", reason="Sold it"),
    quote(bookings.QuoteClosed, 2, "closed"),
    quote(bookings.QuoteExpired, 2, "expired"),
    *(series(bookings.SeriesStarted, 1, "active", every_weeks=every) for every in (1, 2)),
    series(bookings.SeriesStarted, 1, "active", last_on="2199-09-02"),
    *(series(bookings.SeriesPaused, 2, "paused", paused_by=by) for by in ("unpaid", "affiliate", "customer")),
    *(series(bookings.SeriesEnded, 3, "ended", ended_by=by) for by in ("customer", "affiliate", "platform")),
    series(bookings.SeriesEnded, 3, "ended", ended_by="affiliate", end_reason="Moving"),
    *(missed(reason) for reason in ("slot-taken", "no-such-time", "too-many-holds", "not-bookable")),
    missed("slot-not-offered", other_times=[START, START]),
    priced_visit(19_900),
    said("customer"),
    said("affiliate"),
    payouts("complete"),
    payouts("restricted"),
    PaidOut(**PAID_OUT, version=2, status="paid"),
    *(issued(kind) for kind in PaperKind),
    PayoutRefused(**PAID_OUT, version=2, status="refused", refusal="balance_insufficient"),
    PayoutReversed(**PAID_OUT, version=3, status="paid", back_cents=1_200),
    *(dispute(status) for status in ("inquiry", "needs_response", "under_review", "won", "lost", "closed")),
    dispute("needs_response", evidence_due_by=None),
    dispute("needs_response", kind=EvidenceDue),
    affiliate(AffiliateApproved),
    affiliate(AffiliateRejected, status="rejected", reason="No insurance"),
    affiliate(AffiliateInReview, status="in_review"),
    affiliate(AffiliateChangesRequested, status="changes_requested", reason="Which insurance?"),
    affiliate(AffiliateSuspended, status="suspended", reason="Too many complaints"),
    affiliate(AffiliateReinstated),
    affiliate(AffiliateClosed, status="closed"),
    ReviewPosted(review_id=81, version=1, booking_id=61, affiliate_id=AFFILIATE, customer_id=7, rating=4),
    export_ready(),
    erasure_accepted(),
    verification(),
    repeated(),
    SecondFactorEnabled(user_id=1, version=2),
    SecondFactorDisabled(user_id=1, version=4),
    RecoveryCodeUsed(user_id=1, version=3, codes_left=9),
    SignInLinked(user_id=1, version=5, provider="google"),
    SignInUnlinked(user_id=1, version=6, provider="google"),
    invitation(),
    SUSPENDED,
    REINSTATED,
    ACTS,
    KEY_MADE,
    KEY_REVOKED,
    reset_requested(),
    change_requested(),
    changed(),
    security(PasswordChanged),
    security(UserClosed),
    reused(),
]
NOTICES = [notice for event in EVENTS for notice in notices_of(event, None)] + [reminder_of(known())]


@pytest.mark.parametrize(
    ("status", "said"),
    [("pending", []), ("restricted", [Kind.PAYOUTS_RESTRICTED]), ("complete", [Kind.PAYOUTS_READY])],
)
def test_of_a_payout_account_is_said_what_its_owner_waits_for(status: str, said: list[Kind]) -> None:
    told = list(notices_of(payouts(status), None))
    assert [(notice.kind, notice.to) for notice in told] == [(kind, f"affiliate {AFFILIATE}") for kind in said]


def test_everything_that_can_be_said_is_said_somewhere() -> None:
    assert {notice.kind for notice in NOTICES} == set(Kind)
    assert {type(event) for event in EVENTS} == set(TELLS)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.kind)
def test_every_notice_has_words_and_a_letter(notice: Notice) -> None:
    words = words_of(notice, ADA)
    assert 5 < len(words.title) <= 255
    assert len(words.message.split("\n\n")) >= 2
    for form in ("txt", "html"):
        made = letter(
            form, title=words.title, message=words.message, name="Ada", link=Link("https://mdh.example/x", "Open")
        )
        assert "https://mdh.example/x" in made
        assert not re.search(r"\{\{|\{%|None|  \.", made)


def test_of_a_reason_that_was_erased_nothing_is_left() -> None:
    for event in (SUSPENDED, ACTS):
        [told] = notices_of(event, None)
        [after] = notices_of(event.model_copy(update=type(event).erased()), None)
        assert event.reason in words_of(told, ADA).message
        assert "Reason" not in words_of(after, ADA).message


def test_a_fact_that_is_missing_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(UndefinedError):
        words_of(Notice(kind=Kind.REVIEW_POSTED, to="user 1", cause="x", event_id=None, facts={}), ADA)


@pytest.mark.parametrize(
    ("status", "said", "unsaid"),
    [("requires_payment", "try again", "soon be free"), ("failed", "soon be free", "try")],
)
def test_who_cannot_pay_at_all_is_not_told_to_try_again(status: str, said: str, unsaid: str) -> None:
    (failed,) = notices_of(payment(PaymentFailed, 2, status, reason="amount too small"), None)
    message = words_of(failed, ADA).message
    assert said in message
    assert unsaid not in message


def test_of_a_hold_that_ran_out_it_is_not_said_that_nothing_was_charged() -> None:
    """The money may have come in the same second; only payments knows, and booking answers it."""
    (expired,) = notices_of(booking(bookings.BookingExpired, 2, "expired"), None)
    assert "Nothing was charged" not in words_of(expired, ADA).message


def test_who_pays_at_the_door_is_not_told_that_they_have_paid() -> None:
    to_customer, to_affiliate = notices_of(
        booking(bookings.BookingConfirmed, 2, "confirmed", payment_mode="on_site"), None
    )
    assert "You pay $189.00 there." in words_of(to_customer, ADA).message
    assert "You paid" not in words_of(to_customer, ADA).message
    assert "you owe the commission" in words_of(to_affiliate, ADA).message


def test_who_has_a_card_held_is_not_told_that_they_have_paid() -> None:
    told = booking(bookings.BookingConfirmed, 2, "confirmed", payment_mode="authorise")
    to_customer, to_affiliate = notices_of(told, None)
    assert "$189.00 are held on your card" in words_of(to_customer, ADA).message
    assert "You paid" not in words_of(to_customer, ADA).message
    assert "once you say that the job is done" in words_of(to_affiliate, ADA).message


@pytest.mark.parametrize(("fee", "said"), [(900, "$9.00, is charged"), (0, "Nothing is charged.")])
def test_whoever_cancels_is_told_what_that_costs(fee: int, said: str) -> None:
    to_customer, _ = notices_of(cancelled_late(fee), None)
    assert said in words_of(to_customer, ADA).message


@pytest.mark.parametrize(("status", "true"), [("confirmed", True), ("cancelled", False), ("completed", False)])
def test_a_card_that_was_declined_matters_until_the_visit(status: str, true: bool) -> None:
    for notice in notices_of(payment(AuthorisationFailed, 4, "requires_payment", reason="card declined"), None):
        assert is_still_true(notice.kind, None, known(status), None, NOW) is true


def test_times_are_the_appointments_and_deadlines_the_recipients() -> None:
    expires = datetime(2199, 5, 1, 15, 10, tzinfo=UTC)
    (held,) = notices_of(booking(bookings.BookingHeld, 1, "held", hold_expires_at=expires), None)
    message = words_of(held, ADA).message
    assert "Saturday, June 1, 2199 at 9:00 AM EDT" in message
    assert "Wednesday, May 1, 2199 at 10:10 AM CDT" in message
    assert "$189.00" in message


def test_nobody_is_asked_to_pay_nothing() -> None:
    assert not list(notices_of(booking(bookings.BookingHeld, 1, "held", price_cents=0), None))
    confirmed, _ = notices_of(booking(bookings.BookingConfirmed, 2, "confirmed", price_cents=0), None)
    assert "There is nothing to pay." in words_of(confirmed, ADA).message


def test_a_confirmation_says_what_the_price_is_made_of() -> None:
    lines = [
        {"kind": "service", "label": "Gold", "amount_cents": 20_000},
        {"kind": "promotion", "label": "SPRING", "amount_cents": -1_100},
    ]
    for notice in notices_of(booking(bookings.BookingConfirmed, 2, "confirmed", lines=lines), None):
        assert "Gold: $200.00; SPRING: -$11.00." in words_of(notice, ADA).message
        before = notice.model_copy(update={"facts": {k: v for k, v in notice.facts.items() if k != "lines"}})
        assert "$189.00" in words_of(before, ADA).message


@pytest.mark.parametrize(
    ("cents", "currency", "text"),
    [(0, "USD", "$0.00"), (5, "USD", "$0.05"), (123_450, "USD", "$1,234.50"), (-50, "USD", "-$0.50"),
     (100, "EUR", "1.00 EUR"), (-12_345, "EUR", "-123.45 EUR")],
)  # fmt: skip
def test_money_is_cents_made_readable(cents: int, currency: str, text: str) -> None:
    assert shown(cents, currency) == text


@pytest.mark.parametrize(
    ("moment", "zone", "shown"),
    [
        ("2026-11-01T05:30:00Z", "America/New_York", "Sunday, November 1, 2026 at 1:30 AM EDT"),
        ("2026-11-01T06:30:00Z", "America/New_York", "Sunday, November 1, 2026 at 1:30 AM EST"),
        ("2026-03-08T07:00:00Z", "America/New_York", "Sunday, March 8, 2026 at 3:00 AM EDT"),
        ("2026-01-01T00:00:00+00:00", "Asia/Kolkata", "Thursday, January 1, 2026 at 5:30 AM IST"),
        ("2026-01-01T12:00:00Z", "Nowhere/Atlantis", "Thursday, January 1, 2026 at 12:00 PM UTC"),
        ("2026-01-01T00:05:00Z", "../../etc/passwd", "Thursday, January 1, 2026 at 12:05 AM UTC"),
    ],
)
def test_a_time_is_shown_as_the_clocks_there_show_it(moment: str, zone: str, shown: str) -> None:
    assert local(moment, zone) == shown


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Ada\r\nBcc: x@example.org", "Ada Bcc: x@example.org"), ("a\x00b", "a b"), ("a\u202eb", "a b"),
     ("\ud800", ""), ("  a \t b\u2028c ", "a b c"), ("Zoë 🚗", "Zoë 🚗"), ("{{7*7}}", "{{7*7}}")],
)  # fmt: skip
def test_other_peoples_words_stay_on_one_line(given: str, kept: str) -> None:
    assert one_line(given) == kept


def test_names_are_neither_templates_nor_markup_nor_paragraphs() -> None:
    name = "{{7*7}} <script>x</script>\r\n\r\nPay here: http://evil.example"
    (approved,) = notices_of(affiliate(name=name), None)
    words = words_of(approved, ADA)
    assert words.title == "{{7*7}} <script>x</script> Pay here: http://evil.example is open for bookings"
    assert len(words.message.split("\n\n")) == 2
    html = letter(
        "html", title=words.title, message=words.message, name="<b>", link=Link("https://mdh.example/'\"", "Open")
    )
    assert "<script>" not in html
    assert "<b>" not in html
    assert "{{7*7}} &lt;script&gt;" in html


IN_AN_HOUR, PAST = NOW + timedelta(hours=1), NOW - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("kind", "now_known", "true"),
    [
        (Kind.BOOKING_CONFIRMED, None, True),
        (Kind.BOOKING_CONFIRMED, known("confirmed"), True),
        (Kind.BOOKING_CONFIRMED, known("completed"), True),
        (Kind.BOOKING_CONFIRMED, known("cancelled"), False),
        (Kind.BOOKING_CONFIRMED, known("confirmed", start=START + timedelta(hours=1)), False),
        (Kind.BOOKING_RECEIVED, known("cancelled"), False),
        (Kind.BOOKING_HELD, known("held", expires=IN_AN_HOUR), True),
        (Kind.BOOKING_HELD, known("held", expires=PAST), False),
        (Kind.BOOKING_HELD, known("confirmed"), False),
        (Kind.PAYMENT_FAILED, known("held", expires=IN_AN_HOUR), True),
        (Kind.PAYMENT_FAILED, known("held", expires=PAST), False),
        (Kind.PAYMENT_FAILED, known("cancelled"), False),
        (Kind.BOOKING_EXPIRED, known("expired"), True),
        (Kind.BOOKING_EXPIRED, known("confirmed"), False),
        (Kind.BOOKING_REMINDER, known("confirmed"), True),
        (Kind.BOOKING_REMINDER, known("cancelled"), False),
        (Kind.BOOKING_REMINDER, known("completed"), False),
        (Kind.BOOKING_REMINDER, known("confirmed", start=PAST), False),
        (Kind.BOOKING_COMPLETED, known("completed"), True),
        (Kind.BOOKING_CANCELLED, known("cancelled"), True),
        (Kind.BOOKING_CALLED_OFF, known("cancelled"), True),
        (Kind.PAYMENT_REFUNDED, known("cancelled"), True),
        (Kind.REVIEW_POSTED, known("completed"), True),
    ],
)
def test_a_notice_is_true_while_its_booking_says_so(kind: Kind, now_known: Booking | None, true: bool) -> None:
    told_start = PAST if now_known and now_known.appointment_start == PAST else START
    assert is_still_true(kind, told_start, now_known, None, NOW) is true


def test_of_a_cancelled_appointment_only_the_cancellation_and_the_money_are_told() -> None:
    about = [kind for kind in Kind if kind.startswith(("booking", "payment"))]
    told = {kind for kind in about if is_still_true(kind, START, known("cancelled"), None, NOW)}
    assert told == {Kind.BOOKING_CANCELLED, Kind.BOOKING_CALLED_OFF, Kind.PAYMENT_REFUNDED}


@pytest.mark.parametrize(
    ("kind", "status", "true"),
    [
        (Kind.AFFILIATE_APPROVED, "approved", True),
        (Kind.AFFILIATE_APPROVED, "rejected", False),
        (Kind.AFFILIATE_REJECTED, "rejected", True),
        (Kind.AFFILIATE_REJECTED, "approved", False),
        (Kind.AFFILIATE_APPROVED, None, True),
        (Kind.AFFILIATE_IN_REVIEW, "in_review", True),
        (Kind.AFFILIATE_IN_REVIEW, "approved", False),
        (Kind.AFFILIATE_CHANGES_REQUESTED, "changes_requested", True),
        (Kind.AFFILIATE_CHANGES_REQUESTED, "submitted", False),
        (Kind.AFFILIATE_SUSPENDED, "suspended", True),
        (Kind.AFFILIATE_SUSPENDED, "approved", False),
        (Kind.AFFILIATE_REINSTATED, "approved", True),
        (Kind.AFFILIATE_REINSTATED, "suspended", False),
        (Kind.AFFILIATE_CLOSED, "closed", True),
    ],
)
def test_an_answer_to_an_application_is_true_while_it_stands(kind: Kind, status: str | None, true: bool) -> None:
    one = status and Affiliate(affiliate_id=1, version=1, owner_user_id=1, name="Shine", application_status=status)
    assert is_still_true(kind, None, None, one or None, NOW) is true


STATES = {status for states in TRUE_OF_QUOTE.values() for status in states}
QUOTED = [kind for kind in Kind if kind.startswith("quote")]


def known_quote(status: str, version: int = 2, valid_until: datetime = IN_AN_HOUR) -> Quote:
    told = {"quote_id": 91, "customer_id": 7, "affiliate_id": 31}
    return Quote(**told, version=version, status=status, valid_until=valid_until)


@pytest.mark.parametrize("kind", QUOTED)
def test_a_notice_about_a_quote_is_true_while_the_quote_says_so(kind: Kind) -> None:
    assert is_true_of_quote(kind, 2, None, NOW)
    assert {status for status in STATES if is_true_of_quote(kind, 2, known_quote(status), NOW)} == TRUE_OF_QUOTE[kind]


def test_of_what_is_closed_by_now_only_that_is_told() -> None:
    for status, told in (("closed", {Kind.QUOTE_CLOSED}), ("expired", {Kind.QUOTE_EXPIRED, Kind.QUOTE_LAPSED})):
        assert {kind for kind in QUOTED if is_true_of_quote(kind, 2, known_quote(status), NOW)} == told


def test_the_price_that_is_told_is_the_last_one_and_nobody_is_asked_too_late() -> None:
    assert not is_true_of_quote(Kind.QUOTE_RECEIVED, 2, known_quote("priced", 3), NOW)
    assert is_true_of_quote(Kind.QUOTE_RECEIVED, 3, known_quote("priced", 3), NOW)
    over = known_quote("priced", valid_until=NOW)
    assert not is_true_of_quote(Kind.QUOTE_RECEIVED, 2, over, NOW)
    assert not is_true_of_quote(Kind.QUOTE_REQUESTED, 2, known_quote("requested", valid_until=NOW), NOW)
    assert is_true_of_quote(Kind.QUOTE_QUESTION, 1, over, NOW)


@pytest.mark.parametrize("notice", [n for n in NOTICES if n.kind in QUOTED], ids=lambda notice: notice.kind)
def test_where_it_is_an_affiliate_does_not_learn_from_a_notice_about_a_quote(notice: Notice) -> None:
    words = words_of(notice, ADA)
    assert "1 Main St" not in words.title + words.message


def test_each_side_is_told_what_the_other_says_on_one_line() -> None:
    for author, kind, to in (
        ("customer", Kind.QUOTE_QUESTION, "affiliate 31"),
        ("affiliate", Kind.QUOTE_ANSWER, "customer 7"),
    ):
        [told] = notices_of(said(author), None)
        assert (told.kind, told.to) == (kind, to)
        assert "Is there water?" in words_of(told, ADA).message


def test_a_price_is_told_line_by_line() -> None:
    [told] = notices_of(quote(bookings.QuotePriced, 2, "priced"), None)
    message = words_of(told, ADA).message
    assert "Deep clean: $219.99." in message
    assert "Seats out." in message


def test_of_a_visit_that_costs_what_the_last_did_nothing_more_is_said() -> None:
    assert not list(notices_of(priced_visit(18_900), None))
    [told] = notices_of(priced_visit(19_900), None)
    assert "costs $199.00; before it was $189.00" in words_of(told, ADA).message


def test_of_a_series_that_another_follows_only_that_one_is_told() -> None:
    assert not list(notices_of(series(bookings.SeriesEnded, 3, "ended", followed_by_id=99), None))


def test_a_series_is_told_by_days_and_the_clocks_there() -> None:
    to_customer, to_affiliate = notices_of(series(bookings.SeriesStarted, 1, "active"), None)
    assert words_of(to_customer, ADA).title == "Full detail every 2 weeks, from Monday, June 3, 2199"
    assert "every 2 weeks at 9:00 AM, from Monday, June 3, 2199 until you end it." in words_of(to_customer, ADA).message
    assert "1 Main St" not in words_of(to_affiliate, ADA).message


@pytest.mark.parametrize(("before", "knew"), [(None, True), ("held", False), ("expired", False), ("confirmed", True)])
def test_affiliates_know_of_paid_appointments_only(before: str | None, knew: bool) -> None:
    assert affects_affiliate(known(before) if before else None) is knew


def test_the_same_fact_is_the_same_cause_whatever_event_brings_it() -> None:
    first, second = (next(notices_of(EVENTS[1], event_id)) for event_id in (None, None))
    assert first.cause == second.cause == "booking.confirmed.v1/61/2"


def test_what_the_app_may_show_holds_no_money_of_others() -> None:
    may = {"booking_id", "affiliate_id", "payment_id", "review_id", "quote_id", "series_id", "payout_id", "invoice_id"}
    assert all(set(notice.about) <= may for notice in NOTICES)


def worker(**values: Any) -> Settings:
    needed = {"role": Role.WORKER, "database_url": "postgresql://x", "amqp_url": "amqps://x"}
    return Settings(**needed | values)


def test_in_production_mail_does_not_travel_in_the_open() -> None:
    with pytest.raises(ValidationError, match="MDH_SMTP_TLS"):
        worker(profile=Profile.PRODUCTION)
    assert worker(profile=Profile.PRODUCTION, smtp_tls="starttls")
    assert worker(profile=Profile.LOCAL)


@pytest.mark.parametrize("sender", ["nobody", "", "a@b\r\nBcc: c@d"])
def test_a_sender_must_be_an_address(sender: str) -> None:
    with pytest.raises(ValidationError, match="mail_from"):
        mail_settings(mail_from=sender)


def test_of_a_stolen_session_the_address_is_told_and_nothing_that_the_thief_could_write() -> None:
    (told,) = notices_of(reused(), None)
    message = words_of(told, ADA).message
    assert "192.0.2.66" in message
    assert "thief" not in message
    (unknown,) = notices_of(reused(address=None, device=None), None)
    assert "Somebody used an old session of yours; it was ended" in words_of(unknown, ADA).message
