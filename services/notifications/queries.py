"""Every read of notifications, and every lock."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, delete, exists, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.http import Page, Paged
from shared.outbox import ErasedPerson

from .domain.addressee import Addressee
from .domain.booking import REMINDED_BEFORE, Booking
from .domain.message import Communication, NoSuchNotification, Notification, Status, WaitingNotice
from .domain.notice import Notice
from .domain.people import OWNER, Affiliate, Contact, Member
from .domain.quote import Quote

LOCK_BOOKING = text("select pg_advisory_xact_lock(hashtextextended('booking ' || :booking_id, 0))")
LOCK_ARRIVAL = text("select pg_advisory_xact_lock(hashtextextended('arrival of ' || :key, 0))")

# What each message takes, built once: building a statement costs more than sending it.
_ONE = select(exists().where(ErasedPerson.person == bindparam("person")).label("erased")).subquery()
BOOKING_AND_ERASED = (
    select(Booking, _ONE.c.erased).select_from(_ONE).outerjoin(Booking, Booking.booking_id == bindparam("booking_id"))
)
CONTACTS = select(Contact).order_by(Contact.user_id).with_for_update(read=True)
CUSTOMER = CONTACTS.where(Contact.customer_id == bindparam("customer_id"))
USERS = CONTACTS.where(Contact.user_id == any_(bindparam("user_ids", type_=ARRAY(BigInteger))))
_NOW = select(func.now().label("at")).subquery()
KNOWN = (
    select(Booking, Affiliate, Quote)
    .select_from(_NOW)
    .join(Booking, Booking.booking_id == bindparam("booking_id"), isouter=True)
    .join(Affiliate, Affiliate.affiliate_id == bindparam("affiliate_id"), isouter=True)
    .join(Quote, Quote.quote_id == bindparam("quote_id"), isouter=True)
    .execution_options(populate_existing=True)
)
OUTGOING = (
    select(Communication, Contact, Booking, Affiliate, Quote)
    .join(Contact, Contact.user_id == Communication.to_user_id, isouter=True)
    .join(Booking, Booking.booking_id == Communication.booking_id, isouter=True)
    .join(Affiliate, Affiliate.affiliate_id == Communication.affiliate_id, isouter=True)
    .join(Quote, Quote.quote_id == Communication.quote_id, isouter=True)
    .where(Communication.id == bindparam("id"))
    .with_for_update(of=Communication)
)

Outgoing = tuple[Communication, Contact | Addressee | None, Booking | None, Affiliate | None, Quote | None]


async def lock_booking(session: AsyncSession, booking_id: int, customer_id: int) -> tuple[Booking | None, bool]:
    """What is known of a booking, with others who hear of it at the same moment kept waiting; whether its customer was
    erased."""
    await session.execute(LOCK_BOOKING, {"booking_id": str(booking_id)})
    of = {"booking_id": booking_id, "person": f"customer:{customer_id}"}
    booking, erased = (await session.execute(BOOKING_AND_ERASED, of)).one()
    return booking, erased


async def lock_arrival(session: AsyncSession, key: str) -> None:
    """Who finds this party unknown, and who makes it known, go one after the other: no notice falls between.

    Taken in the order affiliate, user, customer, so that nobody waits in a circle.
    """
    await session.execute(LOCK_ARRIVAL, {"key": key})


async def contacts_of(session: AsyncSession, to: str) -> tuple[Sequence[Contact], list[str]]:
    """Whom `to` (`customer 5`, `affiliate 7`, `user 9`) means, and who of them is not known yet.

    Their rows are held, so that an erasure finds whatever is being said to them.
    """
    party, id = to.split()
    if party == "customer":
        found = (await session.scalars(CUSTOMER, {"customer_id": int(id)})).all()
        return found, [] if found else [to]
    users = [int(id)] if party == "user" else await _owners(session, int(id))
    found = (await session.scalars(USERS, {"user_ids": users})).all()
    known = {contact.user_id for contact in found}
    return found, [f"user {user}" for user in users if user not in known] if users else [to]


async def _owners(session: AsyncSession, affiliate_id: int) -> list[int]:
    """Whoever applied, too, until identity says what they are in the team."""
    place = exists().where(Member.affiliate_id == affiliate_id, Member.user_id == Affiliate.owner_user_id)
    applicant = select(Affiliate.owner_user_id).where(Affiliate.affiliate_id == affiliate_id, ~place)
    members = select(Member.user_id).where(Member.affiliate_id == affiliate_id, Member.role == OWNER)
    return sorted((await session.scalars(applicant.union(members))).all())


async def name_to_invite_by(session: AsyncSession, affiliate_id: int) -> str | None:
    """Of one that we have looked at: what anybody else calls themselves is not said to strangers."""
    of = select(Affiliate.name).where(Affiliate.affiliate_id == affiliate_id)
    return await session.scalar(of.where(Affiliate.application_status == "approved"))


async def take_waiting(session: AsyncSession, *keys: str) -> Sequence[WaitingNotice]:
    """The notices that wait for one of these, oldest first; they wait no longer."""
    taken = delete(WaitingNotice).where(WaitingNotice.waits_for.in_(keys)).returning(WaitingNotice)
    return sorted((await session.scalars(taken)).all(), key=lambda waiting: waiting.id)


async def known_of(session: AsyncSession, notice: Notice) -> tuple[Booking | None, Affiliate | None, Quote | None]:
    """What a notice is about, as far as it is known; one statement."""
    about = {name: notice.subject[name] for name in ("booking_id", "affiliate_id", "quote_id")}
    booking, affiliate, quote = (await session.execute(KNOWN, about)).one()
    return booking, affiliate, quote


async def outgoing(session: AsyncSession, communication_id: int) -> Outgoing:
    """A message, locked, its recipient, and what is known by now of what it is about; one statement."""
    row = (await session.execute(OUTGOING, {"id": communication_id})).one()
    communication, contact, booking, affiliate, quote = row
    if communication.to_email:
        addressee = Addressee(email=communication.to_email, full_name=communication.to_name or "")
        return communication, addressee, booking, affiliate, quote
    return communication, contact, booking, affiliate, quote


async def claim_to_remind(session: AsyncSession, at: datetime, *, limit: int) -> Sequence[Booking]:
    """Confirmed appointments of the coming day that nobody was reminded of, marked as reminded.

    One that was booked on shorter notice needs no reminder: its confirmation is as fresh.
    """
    coming = (
        select(Booking.booking_id)
        .where(
            Booking.status == "confirmed",
            Booking.reminded_at.is_(None),
            Booking.appointment_start > at,
            Booking.appointment_start <= at + REMINDED_BEFORE,
            Booking.created_at < Booking.appointment_start - REMINDED_BEFORE,
        )
        .order_by(Booking.appointment_start)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = update(Booking).where(Booking.booking_id.in_(coming)).values(reminded_at=at).returning(Booking)
    return (await session.scalars(claimed)).all()


async def notification_of(session: AsyncSession, actor: Actor, notification_id: int) -> Notification:
    """A notification of one's own, locked; those of others do not exist, for staff neither."""
    own = select(Notification).where(Notification.id == notification_id, Notification.user_id == actor.user_id)
    found = (await session.scalars(own.with_for_update())).one_or_none()
    if found is None:
        raise NoSuchNotification
    return found


async def notifications_of(session: AsyncSession, actor: Actor, page: Page, unread: bool) -> Paged[Notification]:
    statement = select(Notification).where(Notification.user_id == actor.user_id)
    if unread:
        statement = statement.where(~Notification.is_read)
    return await page.of(session, statement, Notification.created_at, Notification.id, descending=True)


async def unread_of(session: AsyncSession, actor: Actor) -> int:
    own = select(func.count()).where(Notification.user_id == actor.user_id, ~Notification.is_read)
    return await session.scalar(own) or 0


async def communications_of(
    session: AsyncSession, actor: Actor, page: Page, status: Status | None
) -> Paged[Communication]:
    statement = select(Communication)
    if not actor.is_staff:
        own = or_(Communication.to_user_id == actor.user_id, Communication.from_user_id == actor.user_id)
        statement = statement.where(own)
    if status is not None:
        statement = statement.where(Communication.status == status)
    return await page.of(session, statement, Communication.created_at, Communication.id, descending=True)
