"""The day before: once, and not for what is off."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.jobs import remind_of_appointments
from shared import clock
from shared.contracts.booking import BookingCancelled, BookingCompleted, BookingConfirmed
from shared.jobs import Job, JobState, run_if_due
from shared.testing.plugin import Deliver
from tests.mail.process import Catcher
from tests.notifications.conftest import CUSTOMER_USER, START, Office, booking, logged, person, told

CONFIRMED = booking(BookingConfirmed, 2, "confirmed")
CANCELLED = booking(BookingCancelled, 3, "cancelled", refund_cents=0, cancelled_by="customer", reason="")
REMINDER = ("booking_reminder", CUSTOMER_USER)


@contextmanager
def before_start(**span: float) -> Iterator[None]:
    with clock.frozen(START - timedelta(**span)):
        yield


@pytest.mark.parametrize(
    ("span", "reminded"), [({"hours": 25}, False), ({"hours": 24}, True), ({"minutes": 1}, True), ({"hours": 0}, False)]
)
async def test_a_reminder_is_due_from_a_day_before_until_it_begins(
    span: dict[str, float], reminded: bool, deliver: Deliver, session: AsyncSession
) -> None:
    await deliver(person())
    await deliver(CONFIRMED)
    with before_start(**span):
        await remind_of_appointments(session)
    assert (REMINDER in await told(session)) is reminded


async def test_nobody_is_reminded_twice(deliver: Deliver, session: AsyncSession) -> None:
    await deliver(person())
    await deliver(CONFIRMED)
    with before_start(hours=20):
        await remind_of_appointments(session)
        await deliver(booking(BookingConfirmed, 3, "confirmed"))  # news of the booking does not make it forgotten
        await remind_of_appointments(session)
    assert (await told(session)).count(REMINDER) == 1


@pytest.mark.parametrize("off", [CANCELLED, booking(BookingCompleted, 3, "completed")], ids=["cancelled", "completed"])
async def test_what_is_off_or_over_needs_no_reminder(
    off: BookingCancelled | BookingCompleted, deliver: Deliver, session: AsyncSession
) -> None:
    await deliver(person())
    await deliver(CONFIRMED)
    await deliver(off)
    with before_start(hours=20):
        await remind_of_appointments(session)
    assert REMINDER not in await told(session)


async def test_an_appointment_made_at_short_notice_needs_no_reminder(deliver: Deliver, session: AsyncSession) -> None:
    soon = datetime.now(UTC) + timedelta(hours=5)
    await deliver(person())
    await deliver(booking(BookingConfirmed, 2, "confirmed", appointment_start=soon))
    await remind_of_appointments(session)
    assert REMINDER not in await told(session)


async def test_a_reminder_waits_for_whom_it_is_for(deliver: Deliver, session: AsyncSession) -> None:
    await deliver(CONFIRMED)
    with before_start(hours=20):
        await remind_of_appointments(session)
        await session.flush()
        await deliver(person())
    assert REMINDER in await told(session)


async def test_a_reminder_of_what_is_cancelled_before_it_is_sent_is_not_sent(office: Office, catcher: Catcher) -> None:
    await office.deliver(CONFIRMED)
    await office.work()
    async with office.database.begin() as session:
        session.add(JobState(name="remind_of_appointments"))
    job = Job(remind_of_appointments, timedelta(minutes=1))
    with before_start(hours=20):
        assert await run_if_due(office.database, "notifications", job)
    await office.deliver(CANCELLED)
    await office.wait()
    await office.work()
    async with office.database.begin() as session:
        assert (*REMINDER, "skipped") in await logged(session)
    assert {mail["subject"].split(":")[0] for mail in await catcher.mails()} == {"Confirmed", "Cancelled"}
