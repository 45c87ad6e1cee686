"""What others tell, and what is told on: once, early, late and in reverse."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.consumers import copy_contact, copy_member, tell_of_booking
from services.notifications.domain.booking import Booking
from services.notifications.domain.message import Notification, WaitingNotice
from services.notifications.domain.people import Affiliate, Contact, Member
from shared.contracts.booking import (
    BookingCancelled,
    BookingChargeDue,
    BookingCompleted,
    BookingConfirmed,
    BookingEnRoute,
    BookingExpired,
    BookingHeld,
    BookingNoShow,
    BookingPaid,
    BookingRefundDue,
    QuoteAccepted,
    QuoteClosed,
    QuoteDeclined,
    QuoteExpired,
    QuotePriced,
    QuoteReopened,
    QuoteRequested,
    QuoteWithdrawn,
    SeriesEnded,
    SeriesPaused,
    SeriesStarted,
    SeriesVisitMissed,
)
from shared.contracts.catalog import (
    AffiliateApplied,
    AffiliateApproved,
    AffiliateChanged,
    AffiliateChangesRequested,
    AffiliateClosed,
    AffiliateInReview,
    AffiliateReinstated,
    AffiliateRejected,
    AffiliateSuspended,
)
from shared.contracts.identity import (
    MemberAdded,
    RecoveryCodeUsed,
    SecondFactorEnabled,
    SignInLinked,
    UserChanged,
    UserRegistered,
)
from shared.contracts.payments import (
    AccountChanged,
    AuthorisationFailed,
    DisputeEvent,
    EvidenceDue,
    PaidOut,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PayoutRefused,
)
from shared.contracts.reviews import ReviewPosted
from shared.db import Database
from shared.events import Event
from shared.ids import new_id
from shared.testing.plugin import Deliver, deliver_to
from tests.notifications.conftest import (
    ACTS,
    AFFILIATE,
    BOOKING,
    CUSTOMER,
    CUSTOMER_USER,
    KEY_MADE,
    KEY_REVOKED,
    OWNER_USER,
    REINSTATED,
    START,
    SUSPENDED,
    affiliate,
    booking,
    dispute,
    logged,
    owner,
    payment,
    person,
    quote,
    said,
    series,
    told,
    visit,
)

HELD = booking(BookingHeld, 1, "held")
CONFIRMED = booking(BookingConfirmed, 2, "confirmed")
COMPLETED = booking(BookingCompleted, 3, "completed")
EXPIRED = booking(BookingExpired, 2, "expired")
CANCELLED = booking(
    BookingCancelled, 3, "cancelled", refund_cents=18_900, cancelled_by="customer", reason="Sold the car"
)
FAILED = payment(PaymentFailed, 2, "failed", reason="card declined")
EXTRA_FAILED = payment(PaymentFailed, 2, "failed", reason="card declined", purpose="extra")
TIP_FAILED = payment(PaymentFailed, 2, "failed", reason="card declined", purpose="tip")
MORE_DUE = booking(BookingChargeDue, 5, "confirmed", charge_cents=5_000, charge_for="extras")
REFUNDED = payment(PaymentRefunded, 4, "refunded", refund_cents=18_900, refunded_cents=18_900)
REVIEWED = ReviewPosted(review_id=81, version=1, booking_id=BOOKING, affiliate_id=AFFILIATE, customer_id=7, rating=4)
ASKED = quote(QuoteRequested, 1, "requested")
PRICED = quote(QuotePriced, 2, "priced")
CLOSED = quote(QuoteClosed, 3, "closed")
APPROVED = affiliate(AffiliateApproved)
REJECTED = affiliate(AffiliateRejected, status="rejected", reason="No insurance")
SHUT = affiliate(AffiliateSuspended, status="suspended", reason="Too many complaints")

EVERYONE: list[Event] = [person(), owner(), affiliate(AffiliateApplied, 1, "pending")]


def refused(version: int) -> PayoutRefused:
    of = {"payout_id": 6, "affiliate_id": AFFILIATE, "amount_cents": 16_065, "currency": "USD", "status": "refused"}
    return PayoutRefused(**of, version=version, refusal="balance_insufficient")


TELLING: dict[str, tuple[Event, list[tuple[str, int]]]] = {
    "held": (HELD, [("booking_held", CUSTOMER_USER)]),
    "confirmed": (CONFIRMED, [("booking_confirmed", CUSTOMER_USER), ("booking_received", OWNER_USER)]),
    "completed": (COMPLETED, [("booking_completed", CUSTOMER_USER)]),
    "en_route": (booking(BookingEnRoute, 3, "en_route"), [("booking_en_route", CUSTOMER_USER)]),
    "missed": (booking(BookingNoShow, 3, "no_show", refund_cents=0), [("booking_missed", CUSTOMER_USER)]),
    "expired": (EXPIRED, [("booking_expired", CUSTOMER_USER)]),
    "cancelled": (CANCELLED, [("booking_cancelled", CUSTOMER_USER), ("booking_called_off", OWNER_USER)]),
    "payment failed": (FAILED, [("payment_failed", CUSTOMER_USER)]),
    "more to pay": (MORE_DUE, [("charge_due", CUSTOMER_USER)]),
    "extra payment failed": (EXTRA_FAILED, [("charge_failed", CUSTOMER_USER)]),
    "card declined before the visit": (
        payment(AuthorisationFailed, 4, "requires_payment", reason="card declined"),
        [("authorisation_failed", CUSTOMER_USER), ("authorisation_missing", OWNER_USER)],
    ),
    "tipped": (payment(PaymentCaptured, 3, "captured", purpose="tip"), [("tip_received", OWNER_USER)]),
    "paid": (payment(PaymentCaptured, 3, "captured"), []),
    "tip failed": (TIP_FAILED, [("charge_failed", CUSTOMER_USER)]),
    "more to pay at the door": (MORE_DUE.model_copy(update={"payment_mode": "on_site"}), []),
    "held, paid at the door": (HELD.model_copy(update={"payment_mode": "on_site"}), []),
    "more was paid": (booking(BookingPaid, 6, "confirmed"), []),
    "refunded": (REFUNDED, [("payment_refunded", CUSTOMER_USER)]),
    "a bank asks": (dispute("inquiry"), [("dispute_asked", OWNER_USER), ("dispute_noted", CUSTOMER_USER)]),
    "disputed": (dispute("needs_response"), [("dispute_noted", CUSTOMER_USER), ("dispute_opened", OWNER_USER)]),
    "dispute won": (dispute("won"), [("dispute_decided", CUSTOMER_USER), ("dispute_won", OWNER_USER)]),
    "dispute lost": (dispute("lost"), [("dispute_decided", CUSTOMER_USER), ("dispute_lost", OWNER_USER)]),
    "approved": (APPROVED, [("affiliate_approved", OWNER_USER)]),
    "rejected": (REJECTED, [("affiliate_rejected", OWNER_USER)]),
    "can be paid": (
        AccountChanged(payout_account_id=5, version=3, affiliate_id=AFFILIATE, status="complete", payouts_enabled=True),
        [("payouts_ready", OWNER_USER)],
    ),
    "paid out": (
        PaidOut(payout_id=6, version=2, affiliate_id=AFFILIATE, amount_cents=16_065, currency="USD", status="paid"),
        [("paid_out", OWNER_USER)],
    ),
    "a payout refused": (refused(2), [("payout_refused", OWNER_USER)]),
    "in review": (affiliate(AffiliateInReview, status="in_review"), [("affiliate_in_review", OWNER_USER)]),
    "to be mended": (
        affiliate(AffiliateChangesRequested, status="changes_requested", reason="Which insurance?"),
        [("affiliate_changes_requested", OWNER_USER)],
    ),
    "affiliate suspended": (SHUT, [("affiliate_suspended", OWNER_USER)]),
    "affiliate reinstated": (affiliate(AffiliateReinstated), [("affiliate_reinstated", OWNER_USER)]),
    "affiliate closed": (affiliate(AffiliateClosed, status="closed"), [("affiliate_closed", OWNER_USER)]),
    "reviewed": (REVIEWED, [("review_posted", OWNER_USER)]),
    "quote asked for": (ASKED, [("quote_requested", OWNER_USER)]),
    "quote priced": (PRICED, [("quote_received", CUSTOMER_USER)]),
    "quote accepted": (quote(QuoteAccepted, 3, "accepted", booking_id=BOOKING), [("quote_accepted", OWNER_USER)]),
    "quote reopened": (quote(QuoteReopened, 4, "priced"), [("quote_reopened", OWNER_USER)]),
    "quote declined": (quote(QuoteDeclined, 2, "declined", reason="Too far"), [("quote_declined", CUSTOMER_USER)]),
    "quote withdrawn": (quote(QuoteWithdrawn, 2, "withdrawn"), [("quote_withdrawn", OWNER_USER)]),
    "quote closed": (CLOSED, [("quote_closed", OWNER_USER)]),
    "quote expired": (
        quote(QuoteExpired, 2, "expired"),
        [("quote_expired", CUSTOMER_USER), ("quote_lapsed", OWNER_USER)],
    ),
    "series begun": (
        series(SeriesStarted, 1, "active"),
        [("series_received", OWNER_USER), ("series_started", CUSTOMER_USER)],
    ),
    "series paused": (series(SeriesPaused, 2, "paused", paused_by="unpaid"), [("series_paused", CUSTOMER_USER)]),
    "series ended": (
        series(SeriesEnded, 3, "ended", ended_by="customer"),
        [("series_called_off", OWNER_USER), ("series_ended", CUSTOMER_USER)],
    ),
    "series followed by another": (series(SeriesEnded, 3, "ended", ended_by="customer", followed_by_id=99), []),
    "visit missed": (
        visit(SeriesVisitMissed, starts_at=START, reason="slot-taken", other_times=[]),
        [("visit_missed", CUSTOMER_USER)],
    ),
    "asked": (said("customer"), [("quote_question", OWNER_USER)]),
    "answered": (said("affiliate"), [("quote_answer", CUSTOMER_USER)]),
    "second factor on": (
        SecondFactorEnabled(user_id=CUSTOMER_USER, version=2),
        [("second_factor_enabled", CUSTOMER_USER)],
    ),
    "recovery code": (
        RecoveryCodeUsed(user_id=CUSTOMER_USER, version=3, codes_left=9),
        [("recovery_code_used", CUSTOMER_USER)],
    ),
    "linked": (
        SignInLinked(user_id=OWNER_USER, version=2, provider="google"),
        [("sign_in_linked", OWNER_USER)],
    ),
    "suspended": (SUSPENDED, [("account_suspended", CUSTOMER_USER)]),
    "reinstated": (REINSTATED, [("account_reinstated", CUSTOMER_USER)]),
    "support acts": (ACTS, [("support_acts", CUSTOMER_USER)]),
    "key made": (KEY_MADE, [("api_key_created", CUSTOMER_USER)]),
    "key revoked": (KEY_REVOKED, [("api_key_revoked", CUSTOMER_USER)]),
}


async def deliver_all(deliver: Deliver, *events: Event) -> None:
    for event in events:
        await deliver(event)


def queued(*notices: tuple[str, int]) -> list[tuple[str, int, str]]:
    return [(*notice, "queued") for notice in notices]


@pytest.mark.parametrize(("event", "notices"), TELLING.values(), ids=TELLING)
async def test_those_concerned_are_told_in_the_app_and_by_mail(
    event: Event, notices: list[tuple[str, int]], deliver: Deliver, session: AsyncSession
) -> None:
    await deliver_all(deliver, *EVERYONE, event)
    assert sorted(await told(session)) == sorted(notices)
    assert sorted(await logged(session)) == sorted(queued(*notices))
    assert await session.scalar(text("select count(*) from tasks")) == len(notices)


@pytest.mark.parametrize(("event", "notices"), TELLING.values(), ids=TELLING)
async def test_an_event_that_comes_twice_is_told_once(
    event: Event, notices: list[tuple[str, int]], deliver: Deliver, session: AsyncSession
) -> None:
    id = new_id()
    await deliver_all(deliver, *EVERYONE)
    await deliver(event, event_id=id)
    await deliver(event, event_id=id)
    await deliver(event)  # the same fact, published again as another event
    assert sorted(await told(session)) == sorted(notices)
    assert sorted(await logged(session)) == sorted(queued(*notices))
    assert await session.scalar(text("select count(*) from tasks")) == len(notices)


@pytest.mark.parametrize(("event", "notices"), TELLING.values(), ids=TELLING)
async def test_a_notice_waits_for_those_it_is_for(
    event: Event, notices: list[tuple[str, int]], deliver: Deliver, session: AsyncSession
) -> None:
    await deliver(event)
    assert await told(session) == []
    await deliver_all(deliver, *EVERYONE, *EVERYONE)
    assert sorted(await told(session)) == sorted(notices)
    assert sorted(await logged(session)) == sorted(queued(*notices))
    assert await session.scalar(select(func.count()).select_from(WaitingNotice)) == 0


async def test_what_was_overtaken_is_logged_as_skipped_and_not_shown(deliver: Deliver, session: AsyncSession) -> None:
    """In reverse: the cancellation first, then the confirmation, then the hold."""
    await deliver_all(deliver, *EVERYONE, CANCELLED, CONFIRMED, HELD)
    assert {kind for kind, _ in await told(session)} == {"booking_cancelled", "booking_called_off"}
    assert set((await logged(session))[2:]) == {
        ("booking_confirmed", CUSTOMER_USER, "skipped"),
        ("booking_received", OWNER_USER, "skipped"),
        ("booking_held", CUSTOMER_USER, "skipped"),
    }
    assert await session.scalar(text("select count(*) from tasks")) == 2


async def test_what_waited_too_long_is_not_told(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, HELD, CONFIRMED, CANCELLED, *EVERYONE)
    assert {kind for kind, _ in await told(session)} == {"booking_cancelled", "booking_called_off"}


async def test_of_a_quote_that_was_closed_meanwhile_nothing_else_is_told(
    deliver: Deliver, session: AsyncSession
) -> None:
    """In reverse; and what was said about it comes last."""
    await deliver_all(
        deliver, *EVERYONE, CLOSED, PRICED, ASKED, said("customer"), said("affiliate", quote_message_id=78)
    )
    assert await told(session) == [("quote_closed", OWNER_USER)]
    assert {status for kind, _, status in await logged(session) if kind != "quote_closed"} == {"skipped"}


async def test_a_price_that_was_replaced_is_not_told_any_more(deliver: Deliver, session: AsyncSession) -> None:
    again = quote(QuotePriced, 3, "priced", price_cents=99_900)
    await deliver_all(deliver, *EVERYONE, again, PRICED)
    assert await told(session) == [("quote_received", CUSTOMER_USER)]


async def test_late_news_of_a_booking_does_not_undo_newer(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, booking(BookingRefundDue, 4, "cancelled", refund_cents=1), CONFIRMED, HELD)
    known = (await session.scalars(select(Booking))).one()
    assert (known.status, known.version) == ("cancelled", 4)


async def test_an_affiliate_does_not_hear_of_holds_that_were_never_paid(
    deliver: Deliver, session: AsyncSession
) -> None:
    await deliver_all(deliver, *EVERYONE, HELD, CANCELLED)
    assert await told(session) == [("booking_held", CUSTOMER_USER), ("booking_cancelled", CUSTOMER_USER)]


async def test_an_expired_hold_that_was_paid_after_all_is_told_as_confirmed(
    deliver: Deliver, session: AsyncSession
) -> None:
    again = booking(BookingConfirmed, 3, "confirmed")
    await deliver_all(deliver, *EVERYONE, HELD, again, EXPIRED)
    assert [kind for kind, _ in await told(session)] == ["booking_held", "booking_received", "booking_confirmed"]


async def test_a_hold_that_has_run_out_when_we_hear_of_it_is_not_told(deliver: Deliver, session: AsyncSession) -> None:
    late = booking(BookingHeld, 1, "held", hold_expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await deliver_all(deliver, *EVERYONE, late)
    assert await told(session) == []
    assert await logged(session) == [("booking_held", CUSTOMER_USER, "skipped")]


async def test_each_failed_payment_is_told(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, person(), FAILED, payment(PaymentFailed, 3, "failed", reason="card declined"))
    assert len(await told(session)) == 2


DISPUTED = {
    "each once": (
        [("inquiry", 1), ("needs_response", 2), ("needs_response", 3), ("under_review", 4), ("needs_response", 5),
         ("won", 6), ("won", 7)],
        ["dispute_asked", "dispute_decided", "dispute_noted", "dispute_opened", "dispute_won"],
    ),
    "in reverse": ([("lost", 4), ("under_review", 3), ("needs_response", 1)], ["dispute_decided", "dispute_lost"]),
    "late": ([("needs_response", 1), ("lost", 4), ("under_review", 3), ("needs_response", 1)],
             ["dispute_decided", "dispute_lost", "dispute_noted", "dispute_opened"]),
}  # fmt: skip


async def test_of_a_payout_is_told_once_that_it_was_refused(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, *EVERYONE, refused(2), refused(2), refused(4))
    assert [kind for kind, _ in await told(session)] == ["payout_refused"]


@pytest.mark.parametrize(("states", "said"), DISPUTED.values(), ids=DISPUTED)
async def test_of_a_dispute_each_is_told_once_and_nothing_that_is_over(
    deliver: Deliver, session: AsyncSession, states: list[tuple[str, int]], said: list[str]
) -> None:
    await deliver_all(deliver, *EVERYONE, *(dispute(status, version) for status, version in states))
    assert sorted(kind for kind, _ in await told(session)) == said


async def test_that_an_answer_is_due_is_told_each_time_but_not_once_it_was_given(
    deliver: Deliver, session: AsyncSession
) -> None:
    def due(version: int) -> DisputeEvent:
        return dispute("needs_response", version, EvidenceDue)

    await deliver_all(deliver, *EVERYONE, due(2), due(2), due(3), dispute("under_review", 5), due(4))
    assert [kind for kind, _ in await told(session)].count("evidence_due") == 2


async def test_an_approval_is_told_even_when_later_news_came_first(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, owner(), affiliate(AffiliateChanged, 3), APPROVED)
    assert await told(session) == [("affiliate_approved", OWNER_USER)]


async def test_a_rejection_that_was_taken_back_is_not_told(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, owner(), affiliate(AffiliateChanged, 3), REJECTED)
    assert await told(session) == []


async def test_a_suspension_that_is_over_is_not_told(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, owner(), affiliate(AffiliateReinstated, 3), SHUT)
    assert await told(session) == [("affiliate_reinstated", OWNER_USER)]


async def test_all_owners_are_told_each_once(deliver: Deliver, session: AsyncSession) -> None:
    members = [
        MemberAdded(affiliate_user_id=1, version=1, affiliate_id=AFFILIATE, user_id=OWNER_USER, role="owner"),
        MemberAdded(affiliate_user_id=2, version=1, affiliate_id=AFFILIATE, user_id=501, role="owner"),
        MemberAdded(affiliate_user_id=3, version=1, affiliate_id=AFFILIATE, user_id=502, role="technician"),
    ]
    await deliver_all(deliver, *EVERYONE, owner(user_id=501), owner(user_id=502), *members, REVIEWED)
    assert await told(session) == [("review_posted", OWNER_USER), ("review_posted", 501)]


async def test_one_owner_known_and_one_not(deliver: Deliver, session: AsyncSession) -> None:
    second = MemberAdded(affiliate_user_id=2, version=1, affiliate_id=AFFILIATE, user_id=501, role="owner")
    await deliver_all(deliver, *EVERYONE, second, REVIEWED)
    assert await told(session) == [("review_posted", OWNER_USER)]
    await deliver(owner(user_id=501))
    assert await told(session) == [("review_posted", OWNER_USER), ("review_posted", 501)]


async def test_a_member_who_owns_is_enough(deliver: Deliver, session: AsyncSession) -> None:
    """Catalog's news of the affiliate may be late; identity knows who owns it, too."""
    added = MemberAdded(affiliate_user_id=1, version=1, affiliate_id=AFFILIATE, user_id=OWNER_USER, role="owner")
    await deliver_all(deliver, REVIEWED, owner(), added, added)
    assert await told(session) == [("review_posted", OWNER_USER)]


async def test_a_member_who_does_not_own_is_not_told(deliver: Deliver, session: AsyncSession) -> None:
    added = MemberAdded(affiliate_user_id=1, version=1, affiliate_id=AFFILIATE, user_id=501, role="manager")
    await deliver_all(deliver, REVIEWED, owner(user_id=501), added)
    assert await told(session) == []


@pytest.mark.parametrize(
    ("model", "newer", "older", "kept"),
    [
        (Contact, person(UserChanged, 3, email="new@example.org"), person(), {"email": "new@example.org"}),
        (
            Member,
            MemberAdded(affiliate_user_id=1, version=2, affiliate_id=1, user_id=1, role="owner"),
            MemberAdded(affiliate_user_id=1, version=1, affiliate_id=1, user_id=1, role="manager"),
            {"role": "owner"},
        ),
        (Affiliate, affiliate(AffiliateChanged, 4), REJECTED, {"application_status": "approved"}),
        (Booking, CONFIRMED, HELD, {"status": "confirmed"}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_copies_keep_the_newest_in_any_order(
    model: type[Any], newer: Event, older: Event, kept: dict[str, Any], deliver: Deliver, session: AsyncSession
) -> None:
    await deliver_all(deliver, newer, older, newer, older)
    row = (await session.scalars(select(model))).one()
    assert {name: getattr(row, name) for name in kept} == kept
    assert row.version == newer.version


async def test_the_times_that_a_customer_reads_are_those_of_the_appointment(
    deliver: Deliver, session: AsyncSession
) -> None:
    await deliver_all(deliver, person(timezone="Asia/Tokyo"), CONFIRMED)
    shown = (await session.scalars(select(Notification))).one()
    assert shown.title == "Confirmed: Full detail on Saturday, June 1, 2199 at 9:00 AM EDT"
    assert shown.data == {"booking_id": BOOKING, "affiliate_id": AFFILIATE}
    assert shown.cause_event_id is not None


async def test_a_cancelled_and_unpaid_booking_promises_no_money(deliver: Deliver, session: AsyncSession) -> None:
    unpaid = booking(BookingCancelled, 2, "cancelled", refund_cents=0, cancelled_by="platform", reason="")
    await deliver_all(deliver, person(), unpaid)
    shown = (await session.scalars(select(Notification))).one()
    assert shown.message == (
        "We are sorry: your appointment had to be cancelled: Full detail (Gold) on "
        "Saturday, June 1, 2199 at 9:00 AM EDT."
    )


async def test_telling_takes_a_fixed_number_of_statements(
    deliver: Deliver, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    await deliver_all(deliver, *EVERYONE)
    with statements() as sent:
        await deliver(CONFIRMED)
    # inbox, lock, known before, known now, tasks; and for each of two notices whom (2 for owners), of what, log, app
    assert len(sent) == 15, sent


async def until_blocked(task: asyncio.Future[None], database: Database) -> None:
    """Until it waits for a lock, or is done without having waited."""
    waiting = text("select count(*) from pg_locks where not granted and locktype = 'advisory'")
    while not task.done():
        async with database.begin() as session:
            if await session.scalar(waiting):
                return


@pytest.mark.parametrize("order", [(CONFIRMED, person()), (person(), CONFIRMED)], ids=["notice first", "person first"])
async def test_a_notice_and_its_recipient_at_the_same_moment_find_each_other(
    order: tuple[Event, Event], fresh_database: Database
) -> None:
    """Neither is committed when the other looks."""
    first, second = order
    does: dict[type[Event], Any] = {BookingConfirmed: tell_of_booking, UserRegistered: copy_contact}
    async with fresh_database.begin() as session:
        await does[type(first)](first, session)
        await session.flush()
        task = asyncio.ensure_future(deliver_to("notifications", fresh_database)(second))
        await until_blocked(task, fresh_database)
    await task
    async with fresh_database.begin() as session:
        assert await told(session) == [("booking_confirmed", CUSTOMER_USER)]


async def test_many_notices_and_many_recipients_at_once_find_each_other(fresh_database: Database) -> None:
    """Twenty notices and their recipients' registrations at the same moment: each is told."""
    deliver = deliver_to("notifications", fresh_database)
    ids = range(1, 21)
    posts = [
        deliver(booking(BookingConfirmed, 2, "confirmed", booking_id=id, customer_id=id, affiliate_id=id)) for id in ids
    ]
    people = [deliver(person(user_id=id + 1000, customer_id=id)) for id in ids]
    owned = [deliver(affiliate(AffiliateApplied, 1, "pending", affiliate_id=id, owner_user_id=id + 1000)) for id in ids]
    await asyncio.gather(*(one for three in zip(posts, people, owned, strict=True) for one in three))
    async with fresh_database.begin() as session:
        assert sorted(await told(session)) == sorted(
            (kind, id + 1000) for id in ids for kind in ("booking_confirmed", "booking_received")
        )


async def test_two_facts_of_one_booking_at_once_end_with_the_newest(fresh_database: Database) -> None:
    deliver = deliver_to("notifications", fresh_database)
    await deliver_all(deliver, *EVERYONE)
    await asyncio.gather(deliver(CANCELLED), deliver(CONFIRMED), deliver(HELD), deliver(CANCELLED), deliver(CONFIRMED))
    async with fresh_database.begin() as session:
        known = (await session.scalars(select(Booking))).one()
        assert (known.status, known.version, known.appointment_start) == ("cancelled", 3, START)
        assert {kind for kind, _ in await told(session)} >= {"booking_cancelled"}
        assert known.customer_id == CUSTOMER


class UserToCome(UserRegistered):
    """A later release's: within a version optional fields are added."""

    nickname: str | None = None


class MemberToCome(MemberAdded):
    title: str = ""


async def test_events_that_have_grown_are_still_understood(session: AsyncSession) -> None:
    await copy_contact(UserToCome(**person().model_dump(), nickname="Addie"), session)
    member = {"affiliate_user_id": 1, "version": 1, "affiliate_id": AFFILIATE, "user_id": OWNER_USER, "role": "owner"}
    await copy_member(MemberToCome(**member, title="Dr"), session)
    assert await session.scalar(text("select count(*) from contacts, affiliate_members")) == 1
