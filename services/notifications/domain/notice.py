"""What is worth saying to whom, and for how long it stays true."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts import booking, catalog, identity, payments, reviews
from shared.events import Event
from shared.papers import Paper, PaperKind

from .addressee import STAFF, Addressee
from .booking import Booking
from .kinds import Kind

SHOWN = ("booking_id", "affiliate_id", "payment_id", "review_id", "quote_id", "series_id", "payout_id", "invoice_id")


# Parties: a customer, those who own an affiliate, somebody with an account, and whoever reads the address that an event
# names, which need not be anybody's: what is said to an addressee is said by mail alone.
# `STAFF` are the platform's people, by mail alone too.
CUSTOMER, AFFILIATE, USER, ADDRESSEE = "customer", "affiliate", "user", "addressee"

TELLS: dict[type[Event], dict[Kind, str]] = {
    booking.BookingHeld: {Kind.BOOKING_HELD: CUSTOMER},
    booking.BookingConfirmed: {Kind.BOOKING_CONFIRMED: CUSTOMER, Kind.BOOKING_RECEIVED: AFFILIATE},
    booking.BookingRequested: {Kind.BOOKING_REQUESTED: AFFILIATE},
    booking.BookingDeclined: {Kind.BOOKING_DECLINED: CUSTOMER},
    booking.BookingMoveProposed: {Kind.MOVE_PROPOSED: CUSTOMER},
    booking.BookingRescheduled: {Kind.BOOKING_MOVED: CUSTOMER, Kind.BOOKING_MOVED_AWAY: AFFILIATE},
    booking.BookingExtrasOffered: {Kind.EXTRAS_OFFERED: CUSTOMER},
    booking.BookingExtrasAgreed: {Kind.EXTRAS_AGREED: AFFILIATE},
    booking.BookingEnRoute: {Kind.BOOKING_EN_ROUTE: CUSTOMER},
    booking.BookingCompleted: {Kind.BOOKING_COMPLETED: CUSTOMER},
    booking.BookingNoShow: {Kind.BOOKING_MISSED: CUSTOMER},
    booking.BookingExpired: {Kind.BOOKING_EXPIRED: CUSTOMER},
    booking.BookingCancelled: {Kind.BOOKING_CANCELLED: CUSTOMER, Kind.BOOKING_CALLED_OFF: AFFILIATE},
    booking.BookingChargeDue: {Kind.CHARGE_DUE: CUSTOMER},
    booking.QuoteRequested: {Kind.QUOTE_REQUESTED: AFFILIATE},
    booking.QuotePriced: {Kind.QUOTE_RECEIVED: CUSTOMER},
    booking.QuoteAccepted: {Kind.QUOTE_ACCEPTED: AFFILIATE},
    booking.QuoteReopened: {Kind.QUOTE_REOPENED: AFFILIATE},
    booking.QuoteDeclined: {Kind.QUOTE_DECLINED: CUSTOMER},
    booking.QuoteWithdrawn: {Kind.QUOTE_WITHDRAWN: AFFILIATE},
    booking.QuoteClosed: {Kind.QUOTE_CLOSED: AFFILIATE},
    booking.QuoteExpired: {Kind.QUOTE_EXPIRED: CUSTOMER, Kind.QUOTE_LAPSED: AFFILIATE},
    booking.QuoteMessageSent: {Kind.QUOTE_QUESTION: AFFILIATE, Kind.QUOTE_ANSWER: CUSTOMER},
    booking.SeriesStarted: {Kind.SERIES_STARTED: CUSTOMER, Kind.SERIES_RECEIVED: AFFILIATE},
    booking.SeriesPaused: {Kind.SERIES_PAUSED: CUSTOMER},
    booking.SeriesEnded: {Kind.SERIES_ENDED: CUSTOMER, Kind.SERIES_CALLED_OFF: AFFILIATE},
    booking.SeriesVisitMissed: {Kind.VISIT_MISSED: CUSTOMER},
    booking.SeriesVisitBooked: {Kind.VISIT_PRICED_ANEW: CUSTOMER},
    payments.PaymentFailed: {Kind.PAYMENT_FAILED: CUSTOMER, Kind.CHARGE_FAILED: CUSTOMER},
    payments.AuthorisationFailed: {Kind.AUTHORISATION_FAILED: CUSTOMER, Kind.AUTHORISATION_MISSING: AFFILIATE},
    payments.PaymentCaptured: {Kind.TIP_RECEIVED: AFFILIATE},
    payments.PaymentRefunded: {Kind.PAYMENT_REFUNDED: CUSTOMER},
    payments.InvoiceIssued: {
        Kind.RECEIPT_ISSUED: CUSTOMER,
        Kind.INVOICE_ISSUED: CUSTOMER,
        Kind.CREDIT_NOTE_ISSUED: CUSTOMER,
    },
    payments.PaymentDisputed: {
        Kind.DISPUTE_NOTED: CUSTOMER,
        Kind.DISPUTE_DECIDED: CUSTOMER,
        Kind.DISPUTE_ASKED: AFFILIATE,
        Kind.DISPUTE_OPENED: AFFILIATE,
        Kind.DISPUTE_WON: AFFILIATE,
        Kind.DISPUTE_LOST: AFFILIATE,
        Kind.DISPUTE_CLOSED: AFFILIATE,
    },
    payments.EvidenceDue: {Kind.EVIDENCE_DUE: AFFILIATE, Kind.EVIDENCE_WANTED: STAFF},
    payments.AccountChanged: {Kind.PAYOUTS_READY: AFFILIATE, Kind.PAYOUTS_RESTRICTED: AFFILIATE},
    payments.PaidOut: {Kind.PAID_OUT: AFFILIATE},
    payments.PayoutRefused: {Kind.PAYOUT_REFUSED: AFFILIATE},
    payments.PayoutReversed: {Kind.PAYOUT_REVERSED: AFFILIATE},
    catalog.AffiliateInReview: {Kind.AFFILIATE_IN_REVIEW: AFFILIATE},
    catalog.AffiliateChangesRequested: {Kind.AFFILIATE_CHANGES_REQUESTED: AFFILIATE},
    catalog.AffiliateApproved: {Kind.AFFILIATE_APPROVED: AFFILIATE},
    catalog.AffiliateRejected: {Kind.AFFILIATE_REJECTED: AFFILIATE},
    catalog.AffiliateSuspended: {Kind.AFFILIATE_SUSPENDED: AFFILIATE},
    catalog.AffiliateReinstated: {Kind.AFFILIATE_REINSTATED: AFFILIATE},
    catalog.AffiliateClosed: {Kind.AFFILIATE_CLOSED: AFFILIATE},
    reviews.ReviewPosted: {Kind.REVIEW_POSTED: AFFILIATE},
    identity.ExportReady: {Kind.EXPORT_READY: ADDRESSEE},
    identity.ErasureAccepted: {Kind.ERASURE_ACCEPTED: ADDRESSEE},
    identity.EmailVerificationRequested: {Kind.EMAIL_VERIFICATION: ADDRESSEE},
    identity.RegistrationRepeated: {Kind.ALREADY_REGISTERED: ADDRESSEE},
    identity.SecondFactorEnabled: {Kind.SECOND_FACTOR_ENABLED: USER},
    identity.SecondFactorDisabled: {Kind.SECOND_FACTOR_DISABLED: USER},
    identity.RecoveryCodeUsed: {Kind.RECOVERY_CODE_USED: USER},
    identity.SignInLinked: {Kind.SIGN_IN_LINKED: USER},
    identity.SignInUnlinked: {Kind.SIGN_IN_UNLINKED: USER},
    identity.UserSuspended: {Kind.ACCOUNT_SUSPENDED: USER},
    identity.UserReinstated: {Kind.ACCOUNT_REINSTATED: USER},
    identity.ImpersonationStarted: {Kind.SUPPORT_ACTS: USER},
    identity.ApiKeyCreated: {Kind.API_KEY_CREATED: USER},
    identity.ApiKeyRevoked: {Kind.API_KEY_REVOKED: USER},
    identity.PasswordResetRequested: {Kind.PASSWORD_RESET: ADDRESSEE},
    identity.PasswordChanged: {Kind.PASSWORD_CHANGED: USER},
    identity.EmailChangeRequested: {Kind.EMAIL_CHANGE: ADDRESSEE, Kind.EMAIL_CHANGE_REQUESTED: USER},
    identity.EmailChanged: {Kind.EMAIL_CHANGED: ADDRESSEE},
    identity.UserClosed: {Kind.ACCOUNT_CLOSED: ADDRESSEE},
    identity.SessionReused: {Kind.SESSION_REUSED: USER},
    identity.MemberInvited: {Kind.TEAM_INVITATION: ADDRESSEE},
}

# The states of a payout account or a dispute that a notice is about; of others it says nothing.
SAID_OF = {
    Kind.PAYOUTS_READY: {"complete"},
    Kind.PAYOUTS_RESTRICTED: {"restricted"},
    Kind.DISPUTE_NOTED: {"inquiry", "needs_response", "under_review"},
    Kind.DISPUTE_DECIDED: {"won", "lost"},
    Kind.DISPUTE_ASKED: {"inquiry"},
    Kind.DISPUTE_OPENED: {"needs_response", "under_review"},
    Kind.DISPUTE_WON: {"won"},
    Kind.DISPUTE_LOST: {"lost"},
    Kind.DISPUTE_CLOSED: {"closed"},
}
# What was paid with a payment that a notice is about.
PAID_FOR = {
    Kind.PAYMENT_FAILED: {"booking"},
    Kind.CHARGE_FAILED: {"rest", "extra", "fee", "tip"},
    Kind.TIP_RECEIVED: {"tip"},
}
# The paper that comes with it.
ISSUED = {
    Kind.RECEIPT_ISSUED: PaperKind.RECEIPT,
    Kind.INVOICE_ISSUED: PaperKind.INVOICE,
    Kind.CREDIT_NOTE_ISSUED: PaperKind.CREDIT_NOTE,
}
# Of these each notice is given once, whatever changes about them.
TOLD_ONCE = (payments.PaymentDisputed, payments.PayoutRefused)
ASKS_FOR_MONEY = {Kind.BOOKING_HELD, Kind.CHARGE_DUE}
# Each side is told what the other says.
SAID_BY = {Kind.QUOTE_QUESTION: "customer", Kind.QUOTE_ANSWER: "affiliate"}
# Of a series that another one follows, that one is told.
ENDS = {Kind.SERIES_ENDED, Kind.SERIES_CALLED_OFF}
# The field with the addressee's address, where it is not `email`.
ADDRESS_OF = {Kind.EMAIL_CHANGED: "old_email"}


class Notice(BaseModel):
    """One thing to be said to one party, with what its text is made of.

    `to` is `customer 5`, `affiliate 7` (those who own it), `user 9` or `addressee`. `cause` names the fact it is about,
    by type, aggregate and version: the same fact is the same cause even when it is published again as another event.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    to: str
    cause: str
    event_id: UUID | None
    facts: dict[str, Any]
    addressee: Addressee | None = None

    @property
    def about(self) -> dict[str, Any]:
        """The ids that a front end needs for its links."""
        return {name: self.facts[name] for name in SHOWN if self.facts.get(name) is not None}

    @property
    def _attachment(self) -> Paper | None:
        """With the name that its customer wants on it."""
        if paper := self.facts.get("paper"):
            return Paper.model_validate(paper).to((self.facts.get("billed_to") or "").splitlines())
        return None

    @property
    def subject(self) -> dict[str, Any]:
        """What it is about, as it was when it was said: kept with each mail, and looked at again before it leaves."""
        starts, quote_id = self.facts.get("appointment_start"), self.facts.get("quote_id")
        return {
            "attachment": self._attachment,
            "booking_id": self.facts.get("booking_id"),
            "affiliate_id": self.facts.get("affiliate_id"),
            "appointment_start": datetime.fromisoformat(starts) if starts else None,
            "quote_id": quote_id,
            "quote_version": self.facts["version"] if quote_id else None,
        }


def notices_of(event: Event, event_id: UUID | None) -> Iterator[Notice]:
    """No words of a notice have the event's secret: it is the addressee's alone."""
    facts = event.model_dump(mode="json")
    cause = f"{event.type}/{event.aggregate_id}" + ("" if isinstance(event, TOLD_ONCE) else f"/{event.version}")
    said = {name: value for name, value in facts.items() if name != "secret"}
    for kind, party in TELLS.get(type(event), {}).items():
        if kind in ASKS_FOR_MONEY and (not facts["price_cents"] or facts["payment_mode"] == "on_site"):
            continue  # nothing is to be paid with us: it is confirmed in a moment
        if kind in SAID_OF and facts["status"] not in SAID_OF[kind]:
            continue
        if kind in ISSUED and facts["kind"] != ISSUED[kind]:
            continue
        if kind in PAID_FOR and facts["purpose"] not in PAID_FOR[kind]:
            continue
        if kind in SAID_BY and facts["author"] != SAID_BY[kind]:
            continue
        if kind in ENDS and facts["followed_by_id"]:
            continue
        if kind is Kind.VISIT_PRICED_ANEW and facts["price_cents"] == facts["previous_price_cents"]:
            continue
        addressee = _addressee(facts, kind, party)
        if addressee and not addressee.email:
            continue  # whoever it was is erased
        to = ADDRESSEE if addressee else f"{party} {facts[f'{party}_id']}"
        yield Notice(kind=kind, to=to, cause=cause, event_id=event_id, facts=said, addressee=addressee)


def _addressee(facts: dict[str, Any], kind: Kind, party: str) -> Addressee | None:
    if party == STAFF:
        return Addressee(email=STAFF)
    return Addressee.of(facts, ADDRESS_OF.get(kind, "email")) if party == ADDRESSEE else None


def affects_affiliate(before: Booking | None) -> bool:
    """Whether an affiliate knows of an appointment that ends: of unpaid ones it is never told."""
    return before is None or before.status in ("requested", "confirmed", "en_route", "in_progress")


def reminder_of(booking: Booking) -> Notice:
    """Of one time: moved, it is another."""
    names = ("booking_id", "affiliate_id", "service_name", "timezone", "arrival_window_minutes")
    facts = {name: getattr(booking, name) for name in names}
    starts = booking.appointment_start.astimezone(UTC).isoformat()
    return Notice(
        kind=Kind.BOOKING_REMINDER,
        to=f"{CUSTOMER} {booking.customer_id}",
        cause=f"reminder/{booking.booking_id}/{starts}",
        event_id=None,
        facts=facts | {"appointment_start": starts},
    )
