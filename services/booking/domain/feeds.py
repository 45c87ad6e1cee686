"""Appointments as a calendar that others subscribe to, at an address that nobody can guess (docs/decisions/0029)."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Self
from urllib.parse import urlsplit

from icalendar import Calendar, Event, vText
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor, Role
from shared.db import Aggregate
from shared.errors import NotFound

from . import Base
from .booking import Booking
from .life import Status

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
BACK = timedelta(days=90)
CANCELLED_FOR = timedelta(days=30)
MOST_EVENTS = 1_000  # of one feed; the earliest are left out
AGAIN_AFTER = timedelta(minutes=15)  # what programs are asked to wait; most take hours
# By status, as RFC 5545 has it (3.8.1.11); what is not here is in no feed.
SHOWN_AS = {
    "requested": "TENTATIVE",
    "held": "TENTATIVE",
    "confirmed": "CONFIRMED",
    "en_route": "CONFIRMED",
    "in_progress": "CONFIRMED",
    "completed": "CONFIRMED",
    "no_show": "CONFIRMED",
    "cancelled": "CANCELLED",
}
TO_TEAMS = [status for status in Status if status in SHOWN_AS]
TO_CUSTOMERS = [status for status in TO_TEAMS if SHOWN_AS[status] != "TENTATIVE"]


class NoSuchFeed(NotFound):
    """There is no such calendar: its address was changed, or taken back, or never was."""


class CalendarFeed(Aggregate, Base, kw_only=True):
    """The feed of a customer, of an affiliate, or of one of its crews. Of its address only the hash is kept."""

    __tablename__ = "calendar_feeds"

    customer_id: Mapped[int | None] = mapped_column(default=None)
    affiliate_id: Mapped[int | None] = mapped_column(default=None)
    crew_id: Mapped[int | None] = mapped_column(ForeignKey("crews.id"), default=None)
    token_hash: Mapped[bytes] = mapped_column(repr=False)

    @property
    def reader(self) -> Actor:
        """Whoever has the address sees what the customer sees, or what the least of the team do."""
        if self.affiliate_id is None:
            return Actor(customer_id=self.customer_id)
        return Actor(affiliates={self.affiliate_id: Role.TECHNICIAN})

    @property
    def shows(self) -> list[Status]:
        return TO_TEAMS if self.customer_id is None else TO_CUSTOMERS

    def may_be_changed_by(self, actor: Actor) -> bool:
        if self.affiliate_id is None:
            return actor.customer_id == self.customer_id
        return actor.runs(self.affiliate_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """An appointment as a feed tells it."""

    uid: str
    version: int
    status: str
    start: datetime
    end: datetime
    summary: str
    location: str
    description: str
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, booking: Booking, reader: Actor, beside: str, host: str) -> Self:
        """`beside` is what a reader wants to know besides: the affiliate or the crew."""
        where = [booking.address, booking.zip] if booking.shows_address_to(reader) else [booking.zip]
        return cls(
            uid=f"booking-{booking.id}-{booking.affiliate_id}@{host}",
            version=booking.version,
            status=SHOWN_AS[booking.status],
            start=booking.appointment_start,
            end=booking.appointment_end,
            summary=f"{booking.service_name} {booking.tier_name}, {beside}",
            location=", ".join(filter(None, where)),
            description=f"Booking {booking.id}",
            created_at=booking.created_at,
            changed_at=booking.updated_at,
        )

    def event(self) -> Event:
        event = Event()
        event.add("uid", self.uid)
        event.add("sequence", self.version)
        event.add("status", self.status)
        event.add("transp", "TRANSPARENT" if self.status == "CANCELLED" else "OPAQUE")
        for name, moment in (
            ("dtstart", self.start),
            ("dtend", self.end),
            ("created", self.created_at),
            ("last-modified", self.changed_at),
            ("dtstamp", self.changed_at),
        ):
            event.add(name, moment.replace(microsecond=0))
        for name, text in (("summary", self.summary), ("description", self.description), ("location", self.location)):
            if text:
                event.add(name, text)
        return event


@dataclass(frozen=True, slots=True)
class Contents:
    """What a feed says now."""

    name: str
    entries: Sequence[Entry]

    @property
    def tag(self) -> str:
        """The same as long as it says the same; it need not be written out to know."""
        return f'"{sha256(repr((self.name, list(self.entries))).encode()).hexdigest()[:32]}"'

    def written(self) -> bytes:
        """As iCalendar (RFC 5545, RFC 7986)."""
        calendar = Calendar()
        calendar.add("version", "2.0")
        calendar.add("prodid", "-//Mobile Detail Hub//booking//EN")
        calendar.add("method", "PUBLISH")
        calendar.add("x-wr-calname", vText(self.name))  # what the library does not know it does not escape
        calendar.add("refresh-interval", AGAIN_AFTER, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", "PT15M")
        for entry in self.entries:
            calendar.add_component(entry.event())
        written: bytes = calendar.to_ical()
        return written


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """What a feed is found by; `NoSuchFeed` if it cannot be one."""
    if not TOKEN.fullmatch(token):
        raise NoSuchFeed
    return sha256(token.encode()).digest()


def host_of(public_url: str) -> str:
    """What makes the ids of our events ours, wherever they turn up."""
    return urlsplit(public_url).hostname or ""


def uids_of(affiliate_id: int, host: str) -> str:
    """A pattern for the ids of an affiliate's own appointments: told by us, they come back to us through calendars."""
    return rf"booking-[0-9]+-{affiliate_id}@{re.escape(host)}"
