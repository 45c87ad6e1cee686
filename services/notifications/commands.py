"""Every change of notifications: load, decide, announce."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.consumers import keep_newest
from shared.context import cause
from shared.contracts.booking import (
    BookingCancelled,
    BookingEvent,
    QuoteEvent,
    QuoteMessageSent,
    SeriesEvent,
    SeriesVisitEvent,
)
from shared.contracts.identity import MemberInvited
from shared.events import Event
from shared.personal import is_erased

from . import queries
from .domain.addressee import Addressee
from .domain.booking import Booking, reminded_when_moved
from .domain.message import Channel, Communication, Notification, Status, WaitingNotice
from .domain.notice import AFFILIATE, Notice, affects_affiliate, notices_of
from .domain.people import Contact
from .domain.quote import Quote
from .domain.truth import is_still_true, is_true_of_quote
from .tasks import send_email, tasks
from .texts import Words, words_of

COPIED = (
    "booking_id", "version", "customer_id", "affiliate_id", "status", "service_name", "appointment_start",
    "appointment_end", "timezone", "arrival_window_minutes",
)  # fmt: skip
OF_QUOTE = ("quote_id", "version", "customer_id", "affiliate_id", "status", "valid_until")

Said = dict[int | None, Words]

# Built once: building one for each message would cost more than sending it.
SHOW = insert(Notification.__table__).on_conflict_do_nothing(constraint="uq_notifications_cause")  # type: ignore[arg-type]
LOG = insert(Communication.__table__).on_conflict_do_nothing(constraint="uq_communications_cause")  # type: ignore[arg-type]
LOGGED = LOG.returning(Communication.id)


async def tell_of(session: AsyncSession, event: Event) -> None:
    """Say what the event gives reason to say, to those whom it concerns."""
    await tell(session, _notices(event))


async def follow_booking(session: AsyncSession, event: BookingEvent) -> None:
    """Keep what is known of the booking, then tell. Of the end of an unpaid hold, affiliates are not told; of somebody
    who was erased, nobody is."""
    before, erased = await queries.lock_booking(session, event.booking_id, event.customer_id)
    knew = affects_affiliate(before)
    values = {name: getattr(event, name) for name in COPIED}
    if hold_expires_at := getattr(event, "hold_expires_at", None):
        values["hold_expires_at"] = hold_expires_at
    if before and before.appointment_start != event.appointment_start:
        values["reminded_at"] = reminded_when_moved(event.appointment_start, now())
    await keep_newest(session, Booking, values)
    told = [] if erased else _notices(event)
    if isinstance(event, BookingCancelled) and not knew:
        told = [notice for notice in told if not notice.to.startswith(AFFILIATE)]
    await tell(session, told)


async def follow_quote(session: AsyncSession, event: QuoteEvent | QuoteMessageSent) -> None:
    """Keep how far the quote is, then tell. Of somebody who was erased, nobody is told."""
    if isinstance(event, QuoteEvent):
        await keep_newest(session, Quote, {name: getattr(event, name) for name in OF_QUOTE})
    if not await is_erased(session, f"customer:{event.customer_id}"):
        await tell_of(session, event)


async def follow_series(session: AsyncSession, event: SeriesEvent | SeriesVisitEvent) -> None:
    """Of somebody who was erased, nobody is told."""
    if not await is_erased(session, f"customer:{event.customer_id}"):
        await tell_of(session, event)


async def invite(session: AsyncSession, event: MemberInvited) -> None:
    """By mail, in the name of an affiliate that is approved; catalog may not have told it yet."""
    name = await queries.name_to_invite_by(session, event.affiliate_id)
    known = {"name": name} if name else {}
    await tell(session, [one.model_copy(update={"facts": one.facts | known}) for one in _notices(event)])


def _notices(event: Event) -> list[Notice]:
    because = cause().causation_id
    return list(notices_of(event, UUID(because) if because else None))


async def tell(session: AsyncSession, notices: Iterable[Notice]) -> None:
    """In the app and by e-mail, each person once. A notice to somebody not known yet waits until they are."""
    for notice in sorted(notices, key=lambda notice: notice.to):  # the order of `lock_arrival`
        if notice.addressee:
            await _tell(session, notice, [notice.addressee])
        else:
            await _reach(session, notice, notice.to)


async def _reach(session: AsyncSession, notice: Notice, to: str, *, locked: bool = False) -> None:
    """Tell those of `to` who are known; for the others look once more, now that nobody can become known meanwhile."""
    contacts, unknown = await queries.contacts_of(session, to)
    if reachable := [contact for contact in contacts if not contact.is_erased]:
        await _tell(session, notice, reachable)
    for key in unknown:
        if key == to and locked:
            session.add(WaitingNotice(waits_for=key, notice=notice.model_dump(mode="json") | {"to": key}))
        else:
            await queries.lock_arrival(session, key)
            await _reach(session, notice, key, locked=True)


async def tell_waiting(session: AsyncSession, *known: str) -> None:
    """Somebody became known (`affiliate 7`, `user 9`, `customer 5`): tell what waited for that, if it is still true."""
    for key in known:
        await queries.lock_arrival(session, key)
    waiting = await queries.take_waiting(session, *known)
    await tell(session, [Notice.model_validate(one.notice) for one in waiting])


async def _tell(session: AsyncSession, notice: Notice, contacts: Sequence[Contact | Addressee]) -> None:
    about = notice.subject
    booking, affiliate, quote = await queries.known_of(session, notice)
    true = is_still_true(notice.kind, about["appointment_start"], booking, affiliate, now())
    true &= is_true_of_quote(notice.kind, about["quote_version"], quote, now())
    said = {contact.user_id: words_of(notice, contact) for contact in contacts}
    queued = await _log(session, notice, said, Status.QUEUED if true else Status.SKIPPED, about)
    if true:
        if not notice.addressee:
            await _show(session, notice, said)
        for id in queued:
            tasks.enqueue(session, send_email, communication_id=id)


async def _show(session: AsyncSession, notice: Notice, said: Said) -> None:
    rows = [
        _once(notice) | {
            "user_id": user_id, "type": notice.kind, "title": words.title, "message": words.message,
            "data": notice.about, "is_read": False,
        }
        for user_id, words in said.items()
    ]  # fmt: skip
    await session.execute(SHOW, rows)


async def _log(
    session: AsyncSession, notice: Notice, said: Said, status: Status, about: dict[str, Any]
) -> Sequence[int]:
    """Write the e-mails down; the ids of those that were not there before."""
    rows = [
        _once(notice) | about | {
            "to_user_id": user_id, "type": Channel.EMAIL, "notice": notice.kind, "subject": words.title,
            "content": words.message, "status": status, "version": 1, "attempts": 0,
        }
        for user_id, words in said.items()
    ]  # fmt: skip
    if notice.addressee and status is Status.QUEUED:
        rows = [row | _sent_with(notice.addressee) for row in rows]
    return (await session.scalars(LOGGED, rows)).all()


def _sent_with(addressee: Addressee) -> dict[str, Any]:
    """What the mail needs, until it is sent."""
    return {
        "to_email": addressee.email, "to_name": addressee.full_name, "secret": addressee.secret,
        "expires_at": addressee.expires_at,
    }  # fmt: skip


def _once(notice: Notice) -> dict[str, Any]:
    """What, with recipient, type and channel, makes a message unique, whatever is delivered how often."""
    return {"cause": notice.cause, "cause_event_id": notice.event_id}


async def mark_read(session: AsyncSession, actor: Actor, notification_id: int) -> Notification:
    notification = await queries.notification_of(session, actor, notification_id)
    notification.read()
    return notification


async def mark_all_read(session: AsyncSession, actor: Actor) -> int:
    """Everything that is there now; says how many it were."""
    unread = update(Notification).where(Notification.user_id == actor.user_id, ~Notification.is_read)
    return len((await session.scalars(unread.values(is_read=True).returning(Notification.id))).all())
