"""People, appointments and a real mail server: what notifications is told, and where its mail goes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.clients import MailServer
from services.notifications.domain.message import Communication, Notification
from services.notifications.settings import Settings
from services.notifications.tasks import tasks
from shared.contracts.booking import (
    BookingEvent,
    BookingHeld,
    QuoteEvent,
    QuoteMessageSent,
    SeriesEvent,
    SeriesVisitEvent,
)
from shared.contracts.catalog import AffiliateApproved, AffiliateEvent
from shared.contracts.identity import (
    ApiKeyCreated,
    ApiKeyRevoked,
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    ErasureAccepted,
    ExportReady,
    ImpersonationStarted,
    MemberInvited,
    PasswordResetRequested,
    RegistrationRepeated,
    SessionReused,
    UserEvent,
    UserRegistered,
    UserReinstated,
    UserSuspended,
)
from shared.contracts.payments import DisputeEvent, InvoiceIssued, PaymentDisputed, PaymentEvent
from shared.db import Database
from shared.papers import Paper, PaperKind, PaperLine, PaperParty
from shared.settings import Profile, Role
from shared.tasks import Outside, Runner
from shared.testing.plugin import Deliver, deliver_to
from tests.mail.process import Catcher

CUSTOMER, CUSTOMER_USER, OWNER_USER, AFFILIATE, BOOKING, QUOTE = 7, 1007, 500, 31, 61, 91
START = datetime(2199, 6, 1, 13, 0, tzinfo=UTC)

B = TypeVar("B", bound=BookingEvent)
A = TypeVar("A", bound=AffiliateEvent)
P = TypeVar("P", bound=PaymentEvent)
Q = TypeVar("Q", bound=QuoteEvent)
S = TypeVar("S", bound=SeriesEvent)
U = TypeVar("U", bound=UserEvent)
V = TypeVar("V", bound=SeriesVisitEvent)


@pytest.fixture(scope="session")
def service() -> str:
    return "notifications"


@pytest_asyncio.fixture(scope="session")
async def running_catcher(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Catcher]:
    async with Catcher(tmp_path_factory.mktemp("catcher")) as catcher:
        yield catcher


@pytest_asyncio.fixture
async def catcher(running_catcher: Catcher) -> Catcher:
    """The mail server, empty and well-behaved."""
    for path in ("/api/mails", "/api/script"):
        (await running_catcher.http.delete(path)).raise_for_status()
    return running_catcher


def person(
    kind: type[U] = UserRegistered,  # type: ignore[assignment]
    version: int = 1,
    *,
    user_id: int = CUSTOMER_USER,
    customer_id: int | None = CUSTOMER,
    full_name: str = "Ada Moreno",
    email: str = "ada@example.org",
    timezone: str = "America/Chicago",
) -> U:
    return kind(
        user_id=user_id, version=version, customer_id=customer_id, email=email, full_name=full_name, locale="en-US",
        timezone=timezone,
    )  # fmt: skip


SECRET = "s" * 43
ASKED: dict[str, Any] = {
    "address_proof_id": 91, "version": 1, "user_id": 2002, "email": "kim@example.org", "locale": "en-US",
    "timezone": "America/Chicago",
}  # fmt: skip


def verification(**more: Any) -> EmailVerificationRequested:
    """To somebody whom nobody knows yet."""
    later = datetime.now(UTC) + timedelta(days=1)
    return EmailVerificationRequested(**ASKED | {"secret": SECRET, "expires_at": later} | more)


def invitation(**more: Any) -> MemberInvited:
    values: dict[str, Any] = {
        "invitation_id": 3, "version": 1, "affiliate_id": AFFILIATE, "user_id": OWNER_USER, "role": "technician",
        "email": "ian@example.org", "secret": SECRET, "locale": "en-US", "timezone": "America/Chicago",
        "expires_at": datetime.now(UTC) + timedelta(days=7),
    }  # fmt: skip
    return MemberInvited(**values | more)


def export_ready() -> ExportReady:
    who = {"user_id": 1, "email": "ada@example.org", "full_name": "Ada Moreno", "timezone": "UTC"}
    return ExportReady(export_id=1, version=2, secret=SECRET, expires_at=datetime.now(UTC) + timedelta(days=1), **who)


def erasure_accepted() -> ErasureAccepted:
    who = {"user_id": 1, "email": "ada@example.org", "full_name": "Ada Moreno", "timezone": "UTC"}
    return ErasureAccepted(
        erasure_id=1, version=1, secret=SECRET, due_at=datetime.now(UTC) + timedelta(minutes=2), **who
    )


def repeated() -> RegistrationRepeated:
    return RegistrationRepeated(**ASKED | {"full_name": "Kim Lane"})


SAID: dict[str, Any] = {
    "user_id": CUSTOMER_USER, "version": 2, "customer_id": CUSTOMER, "email": "ada@example.org",
    "full_name": "Ada Moreno", "locale": "en-US", "timezone": "America/Chicago",
}  # fmt: skip
KEY: dict[str, Any] = {
    "api_key_id": 3, "user_id": CUSTOMER_USER, "affiliate_id": AFFILIATE, "name": "Till", "prefix": "abcdefgh",
    "scopes": ["booking:read", "catalog:read"], "expires_at": START,
}  # fmt: skip
SUSPENDED = UserSuspended(**SAID, reason="Abuse of the chat.", tokens_end_at=START)
REINSTATED = UserReinstated(**SAID | {"version": 3})
ACTS = ImpersonationStarted(
    impersonation_id=4, version=1, user_id=CUSTOMER_USER, staff_id=2, reason="Cannot find a booking.", expires_at=START
)
KEY_MADE = ApiKeyCreated(version=1, **KEY)
KEY_REVOKED = ApiKeyRevoked(version=2, api_key=3, tokens_end_at=START, **KEY)


def security(kind: type[U], **more: Any) -> U:
    """Something about Ada's account."""
    told = person(version=3).model_dump() | {"tokens_end_at": datetime.now(UTC)}
    return kind(**told | more)


def change_requested() -> EmailChangeRequested:
    asked = verification(user_id=CUSTOMER_USER, email="new@example.org").model_dump()
    return EmailChangeRequested(**asked)


def changed() -> EmailChanged:
    told = {"version": 2, "user_id": CUSTOMER_USER, "email": "new@example.org", "old_email": "ada@example.org"}
    return EmailChanged(**ASKED | told | {"full_name": "Ada Moreno"})


def reset_requested() -> PasswordResetRequested:
    asked = verification(user_id=CUSTOMER_USER, email="ada@example.org").model_dump()
    return PasswordResetRequested(**asked | {"full_name": "Ada Moreno"})


def reused(**more: Any) -> SessionReused:
    at = datetime.now(UTC)
    told = {"refresh_token_id": 95, "version": 3, "user_id": CUSTOMER_USER, "session": UUID(int=7), "tokens_end_at": at}
    return SessionReused(**told | {"device": "<b>thief</b>", "address": "192.0.2.66"} | more)


def owner(version: int = 1, user_id: int = OWNER_USER) -> UserRegistered:
    return person(
        version=version, user_id=user_id, customer_id=None, full_name="Owen", email=f"owner{user_id}@example.org"
    )


def affiliate(kind: type[A] = AffiliateApproved, version: int = 2, status: str = "approved", **more: Any) -> A:  # type: ignore[assignment]
    values: dict[str, Any] = {
        "affiliate_id": AFFILIATE, "version": version, "owner_user_id": OWNER_USER, "name": "Shine", "city": "Brooklyn",
        "application_status": status, "state": "NY", "zip": "11201", "timezone": "America/New_York", "latitude": 40.69,
        "longitude": -73.99, "service_radius_m": 20_000,
    }  # fmt: skip
    return kind(**values | more)


def booking(kind: type[B], version: int, status: str, **more: Any) -> B:
    values: dict[str, Any] = {
        "booking_id": BOOKING, "version": version, "customer_id": CUSTOMER, "affiliate_id": AFFILIATE, "crew_id": 1,
        "service_id": 41, "tier_id": 51, "service_name": "Full detail", "tier_name": "Gold", "status": status,
        "appointment_start": START, "appointment_end": START + timedelta(hours=2), "timezone": "America/New_York",
        "address": "1 Main St", "zip": "11201", "price_cents": 18_900, "commission_cents": 2_835, "currency": "USD",
    }  # fmt: skip
    if kind is BookingHeld:
        values["hold_expires_at"] = datetime.now(UTC) + timedelta(days=1)  # some are made when the run begins
    return kind(**values | more)


def quote(kind: type[Q], version: int, status: str, **more: Any) -> Q:
    values: dict[str, Any] = {
        "quote_id": QUOTE, "version": version, "request_id": UUID(int=5), "customer_id": CUSTOMER,
        "affiliate_id": AFFILIATE, "service_id": 41, "tier_id": 51, "service_name": "Full detail", "tier_name": "Gold",
        "status": status, "size_class": "suv", "condition": "very_dirty", "vehicle": "2019 Honda Pilot", "photos": "",
        "address": "1 Main St", "zip": "11201", "wished_times": [], "budget_cents": 30_000, "description": "Two dogs.",
        "currency": "USD", "valid_until": START, "lines": [], "price_cents": None, "tax_cents": 0,
        "duration_minutes": None, "note": "", "reason": None, "booking_id": None, "created_at": START,
    }  # fmt: skip
    lines = [{"kind": "service", "label": "Deep clean", "amount_cents": 21_999}]
    priced = {"lines": lines, "price_cents": 21_999, "duration_minutes": 180, "note": "Seats out."}
    return kind(**values | (priced if status in ("priced", "accepted") else {}) | more)


def series(kind: type[S], version: int, status: str, **more: Any) -> S:
    values: dict[str, Any] = {
        "series_id": 95, "version": version, "customer_id": CUSTOMER, "affiliate_id": AFFILIATE, "service_id": 41,
        "tier_id": 51, "service_name": "Full detail", "tier_name": "Gold", "status": status, "every_weeks": 2,
        "first_on": "2199-06-03", "last_on": None, "minute": 540, "timezone": "America/New_York",
        "address": "1 Main St", "zip": "11201", "size_class": "suv", "condition": "normal", "add_on_ids": [],
        "price_cents": 18_900, "currency": "USD", "active_since": START, "paused_by": None, "ended_by": None,
        "end_reason": None, "followed_by_id": None,
    }  # fmt: skip
    return kind(**values | more)


def visit(kind: type[V], **more: Any) -> V:
    values: dict[str, Any] = {
        "series_visit_id": 96, "version": 1, "series_id": 95, "customer_id": CUSTOMER, "affiliate_id": AFFILIATE,
        "service_name": "Full detail", "tier_name": "Gold", "timezone": "America/New_York", "on_date": "2199-06-03",
    }  # fmt: skip
    return kind(**values | more)


def said(author: str, **more: Any) -> QuoteMessageSent:
    values: dict[str, Any] = {
        "quote_message_id": 77, "version": 1, "quote_id": QUOTE, "customer_id": CUSTOMER, "affiliate_id": AFFILIATE,
        "service_name": "Full detail", "author": author, "author_user_id": 1, "body": "Is there\r\nwater?",
        "created_at": START,
    }  # fmt: skip
    return QuoteMessageSent(**values | more)


def payment(kind: type[P], version: int, status: str, **more: Any) -> P:
    values: dict[str, Any] = {
        "payment_id": 71, "version": version, "booking_id": BOOKING, "customer_id": CUSTOMER,
        "affiliate_id": AFFILIATE, "status": status, "amount_cents": 18_900, "commission_cents": 2_835,
        "refunded_cents": 0, "currency": "USD",
    }  # fmt: skip
    return kind(**values | more)


NUMBERS = {PaperKind.RECEIPT: "R", PaperKind.INVOICE: "I-31", PaperKind.CREDIT_NOTE: "C-31"}


def issued(kind: PaperKind = PaperKind.INVOICE, **more: Any) -> InvoiceIssued:
    number, at = f"{NUMBERS[kind]}-2026-000001", datetime(2026, 11, 25, 12, tzinfo=UTC)
    lines = [PaperLine(label="Gold", amount_cents=17_359), PaperLine(label="Tax 8.875 %", amount_cents=1_541)]
    ids: dict[str, Any] = {"booking_id": BOOKING, "customer_id": CUSTOMER} | more
    sums: dict[str, Any] = {"total_cents": 18_900, "tax_cents": 1_541, "currency": "USD"}
    paper = Paper(
        kind=kind, number=number, issued_at=at, issued_on=at.date(), seller=PaperParty(name="Shine"),
        agent=PaperParty(name="MDH"), subject="Full detail, Gold", lines=lines, refers_to="I-31-2026-000001",
        **ids, **sums,
    )  # fmt: skip
    invoice_id = 1 + list(PaperKind).index(kind)
    return InvoiceIssued(
        invoice_id=invoice_id, version=1, kind=kind, number=number, affiliate_id=AFFILIATE, payment_id=None,
        paper=paper, **ids, **sums,
    )  # fmt: skip


def dispute(status: str, version: int = 1, kind: type[DisputeEvent] = PaymentDisputed, **more: Any) -> DisputeEvent:
    values: dict[str, Any] = {
        "dispute_id": 9, "payment_id": 71, "booking_id": BOOKING, "customer_id": CUSTOMER, "affiliate_id": AFFILIATE,
        "status": status, "reason": "product_not_received", "amount_cents": 5_000, "withdrawn_cents": 0,
        "currency": "USD", "evidence_due_by": "2030-01-07T23:59:59Z", "version": version,
    }  # fmt: skip
    return kind(**values | more)


async def told(session: AsyncSession) -> list[tuple[str, int]]:
    """What stands in the app: (type, user), oldest first."""
    rows = await session.scalars(select(Notification).order_by(Notification.id))
    return [(row.type, row.user_id) for row in rows]


async def logged(session: AsyncSession) -> list[tuple[str, int | None, str]]:
    """The e-mails: (notice, user, status), oldest first."""
    statement = select(Communication).order_by(Communication.id).execution_options(populate_existing=True)
    return [(row.notice, row.to_user_id, row.status) for row in await session.scalars(statement)]


def mail_settings(**values: Any) -> Settings:
    return Settings(
        profile=Profile.TEST, role=Role.API, database_url="postgresql://nobody", jwks_file=Path("none"), **values
    )


@dataclass
class Office:
    """The service at work on a database of its own, with a real mail server."""

    database: Database
    deliver: Deliver
    server: MailServer

    async def work(self, server: MailServer | None = None) -> int:
        """Make every call that is due; how many they were."""
        runner = Runner(tasks, self.database, Outside(self.database, (server or self.server,)))
        count = 0
        while await runner.work_one():
            count += 1
        return count

    async def wait(self) -> None:
        """Until the next try is due, or a lease has run out."""
        async with self.database.begin() as session:
            await session.execute(text("update tasks set due_at = now()"))

    async def log(self) -> list[tuple[str, int | None, str]]:
        async with self.database.begin() as session:
            return await logged(session)

    async def only(self) -> Communication:
        async with self.database.begin() as session:
            return (await session.scalars(select(Communication))).one()

    async def tasks_left(self) -> list[tuple[int, str | None]]:
        async with self.database.begin() as session:
            rows = await session.execute(text("select tries, last_error from tasks order by id"))
            return [(row.tries, row.last_error) for row in rows]


@pytest_asyncio.fixture
async def office(fresh_database: Database, catcher: Catcher) -> AsyncIterator[Office]:
    """Ada, a customer, is known to it."""
    settings = mail_settings(
        smtp_port=catcher.smtp_port, public_url="https://mdh.example", mail_from="MDH <no-reply@mdh.example>"
    )
    office = Office(fresh_database, deliver_to("notifications", fresh_database), MailServer(settings))
    await office.deliver(person())
    yield office
    await office.server.aclose()
