"""Calendars of others that say when a crew is busy, and which addresses may be asked for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any, Self
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate, Keyed, words
from shared.errors import Conflict, NotFound, Unprocessable

from . import Base

MOST_CALENDARS = 10
EVERY = timedelta(minutes=15)
AT_MOST_EVERY = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=2)
STALE_AFTER = timedelta(hours=1)
KEPT_BEFORE = timedelta(days=1)  # so far back busy times are read,
READ_BEYOND = timedelta(days=2)  # and so far past the horizon,
MAY_LACK = timedelta(days=1)  # of which so much may be missing: it moves on while a calendar stays as it is
PORTS = (443, 8443)
NAT64, SIX_TO_FOUR = ip_network("64:ff9b::/96"), ip_network("2002::/16")
UNICAST = ip_network("2000::/3")
# Addresses that Python calls global: of clouds' own services, of protocols, for documentation.
NOT_FOR_US = [
    ip_network(net)
    for net in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")
]


class CalendarStatus(StrEnum):
    WAITING = "waiting"
    OK = "ok"
    FAILING = "failing"


class Trouble(StrEnum):
    """Why a calendar could not be read."""

    NO_ANSWER = "no_answer"
    FORBIDDEN_ADDRESS = "forbidden_address"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    REFUSED = "refused"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    NOT_A_CALENDAR = "not_a_calendar"
    TOO_MUCH = "too_much"


class Unreadable(Exception):
    """A calendar could not be read, this time."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


class NoSuchCalendar(NotFound):
    """There is no such calendar, or it is not yours to see."""


class TooManyCalendars(Conflict):
    """An affiliate has `most` calendars at most. Remove one of them first."""


class ReadJustNow(Conflict):
    """This calendar was read within the last minute."""

    headers = {"Retry-After": "60"}  # noqa: RUF012


class AddressNotAllowed(Unprocessable):
    """A calendar's address is https, on the usual port, without a name or password in it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a calendar said; `busy` is None if it has not changed since it was read last."""

    busy: Sequence[tuple[datetime, datetime]] | None
    until: datetime
    etag: str | None = None
    last_modified: str | None = None


class ExternalCalendar(Aggregate, Base, kw_only=True):
    """A calendar that keeps one crew. What it said last stays until it says something else: trouble frees no time.

    `url` opens it to whoever knows it. `tried_at` is the last attempt, `fetched_at` the last that went well, when busy
    times were read as far as `read_until`.
    """

    __tablename__ = "external_calendars"

    affiliate_id: Mapped[int]
    crew_id: Mapped[int] = mapped_column(ForeignKey("crews.id"))
    name: Mapped[str]
    url: Mapped[str] = mapped_column(repr=False)
    status: Mapped[CalendarStatus] = mapped_column(words(CalendarStatus), default=CalendarStatus.WAITING)
    error: Mapped[Trouble | None] = mapped_column(words(Trouble), default=None)
    failures: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None] = mapped_column(default=None)
    fetched_at: Mapped[datetime | None] = mapped_column(default=None)
    read_until: Mapped[datetime | None] = mapped_column(default=None)
    etag: Mapped[str | None] = mapped_column(default=None)
    last_modified: Mapped[str | None] = mapped_column(default=None)
    next_fetch_at: Mapped[datetime]

    @property
    def host(self) -> str:
        """Where it is, which may be shown: the rest of its address opens it."""
        return urlsplit(self.url).hostname or ""

    def conditions(self, until: datetime) -> dict[str, str]:
        """What makes it answer that nothing has changed; nothing once a day, as more of it is wanted than was read."""
        if self.read_until is None or self.read_until < until - MAY_LACK:
            return {}
        told = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in told.items() if value is not None}

    def take(self, reading: Reading, at: datetime, luck: float) -> None:
        """It was read. `luck`, from 0 to 1, keeps calendars from being asked all at the same time."""
        self.status, self.error, self.failures, self.fetched_at = CalendarStatus.OK, None, 0, at
        if reading.busy is not None:
            self.read_until, self.etag, self.last_modified = reading.until, reading.etag, reading.last_modified
        self._try_again(EVERY, at, luck)

    def fail(self, trouble: Trouble, at: datetime, luck: float) -> None:
        """The more often in a row, the later it is asked again."""
        self.status, self.error, self.failures = CalendarStatus.FAILING, trouble, self.failures + 1
        self._try_again(min(EVERY * 2 ** min(self.failures - 1, 5), LONGEST_PAUSE), at, luck)

    def _try_again(self, pause: timedelta, at: datetime, luck: float) -> None:
        self.tried_at, self.next_fetch_at = at, at + pause * (0.9 + luck / 5)
        self.version += 1

    def ask_now(self, at: datetime) -> None:
        if self.tried_at is not None and at - self.tried_at < AT_MOST_EVERY:
            raise ReadJustNow
        self.next_fetch_at = at

    def is_stale(self, at: datetime) -> bool:
        """Not read for an hour: what it keeps busy may be free by now, and the other way round."""
        return self.fetched_at is None or at - self.fetched_at > STALE_AFTER


class ExternalBusy(Keyed, Base, kw_only=True):
    """A crew cannot be booked during this: an external calendar says so."""

    __tablename__ = "external_busy"

    calendar_id: Mapped[int] = mapped_column(ForeignKey("external_calendars.id"))
    crew_id: Mapped[int] = mapped_column(ForeignKey("crews.id"))
    during: Mapped[Any] = mapped_column(TSTZRANGE)

    @classmethod
    def of(cls, calendar: ExternalCalendar, start: datetime, end: datetime) -> Self:
        return cls(calendar_id=calendar.id, crew_id=calendar.crew_id, during=Range(start, end, bounds="[)"))


def may_be_asked(address: IPv4Address | IPv6Address) -> bool:
    """Only what is in the public internet: nothing of this machine, of its network or of the cloud that it runs in.

    An address that stands for another (mapped, 6to4, NAT64) is what that one is.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped or address in NAT64:
            return may_be_asked(IPv4Address(int(address) & 0xFFFFFFFF))
        if address in SIX_TO_FOUR:
            return may_be_asked(IPv4Address(int(address) >> 80 & 0xFFFFFFFF))
        if address not in UNICAST:
            return False
    ours = any(address.version == net.version and address in net for net in NOT_FOR_US)
    return address.is_global and not address.is_multicast and not address.is_reserved and not ours
