"""The day before: once, and not for what is off."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.domain.message import Notification
from services.notifications.jobs import remind_of_appointments
from shared import clock
from shared.contracts.booking import BookingCancelled, BookingCompleted, BookingConfirmed, BookingRescheduled
from shared.jobs import Job, JobState, run_if_due
from shared.testing.plugin import Deliver
from tests.mail.process import Catcher
from tests.notifications.conftest import CUSTOMER_USER, START, Office, booking, logged, person, told

CONFIRMED = booking(BookingConfirmed, 2, "confirmed")
CANCELLED = booking(BookingCancelled, 3, "cancelled", refund_cents=0, cancelled_by="customer", reason="")
REMINDER = ("booking_reminder", CUSTOMER_USER)
LATER = START + timedelta(days=3)
MOVED = booking(
    BookingRescheduled, 3, "confirmed", previous_start=START, appointment_start=LATER,
    appointment_end=LATER + timedelta(hours=2),
)  # fmt: skip


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


async def remind(office: Office) -> None:
    """As the job does."""
    async with office.database.begin() as session:
        await remind_of_appointments(session)


@pytest.mark.parametrize("sent", [True, False], ids=["sent", "not sent"])
async def test_of_what_moves_the_new_time_is_reminded_of_once_and_the_old_one_not(
    office: Office, catcher: Catcher, sent: bool
) -> None:
    """Also when the old one's reminder has been sent, or waits to be."""
    await office.deliver(CONFIRMED)
    with before_start(hours=20):
        await remind(office)
        if sent:
            await office.work()
        for _ in range(2):
            await office.deliver(MOVED)
        await remind(office)
        await office.wait()
        await office.work()
    for hours in (20, 4, 1):
        with clock.frozen(LATER - timedelta(hours=hours)):
            await remind(office)
            await office.work()
    reminders = [status for notice, _, status in await office.log() if notice == "booking_reminder"]
    assert reminders == ["sent" if sent else "skipped", "sent"]
    told = [mail["subject"] for mail in await catcher.mails() if mail["subject"].startswith("Reminder")]
    assert sorted("June 4" in text for text in told) == [False] * sent + [True]


async def test_moved_before_anybody_was_reminded_only_the_new_time_is(office: Office) -> None:
    await office.deliver(CONFIRMED)
    await office.deliver(MOVED)
    await office.deliver(CONFIRMED)  # late
    for start in (START, LATER):
        with clock.frozen(start - timedelta(hours=20)):
            await remind(office)
            await office.work()
    assert [status for notice, _, status in await office.log() if notice == "booking_reminder"] == ["sent"]


async def test_what_moves_on_short_notice_needs_no_reminder(office: Office) -> None:
    """The news of it is as fresh."""
    await office.deliver(CONFIRMED)
    with clock.frozen(LATER - timedelta(hours=10)):
        await office.deliver(MOVED)
        await remind(office)
    assert "booking_reminder" not in {notice for notice, _, _ in await office.log()}


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


async def test_it_says_between_when_the_crew_arrives(deliver: Deliver, session: AsyncSession) -> None:
    """So do the confirmation and the news of a move."""
    await deliver(person())
    await deliver(booking(BookingConfirmed, 2, "confirmed", arrival_window_minutes=90))
    await deliver(MOVED.model_copy(update={"arrival_window_minutes": 90}))
    with clock.frozen(LATER - timedelta(hours=20)):
        await remind_of_appointments(session)
    texts = (await session.scalars(select(Notification.message).order_by(Notification.id))).all()
    assert ["between 9:00 AM and 10:30 AM EDT" in text for text in texts] == [True] * 3
