"""Standing orders: a customer has the same done every so many weeks, and each visit is a booking like any other."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor
from shared.db import Aggregate, kept, words
from shared.errors import Conflict, Forbidden, NotFound, Unprocessable
from shared.places import place_of
from shared.pricing import Job, Promotion, Wanted
from shared.vehicles import Condition, SizeClass

from . import Base
from .offer import Offer, Sale
from .rhythm import Rhythm
from .tour import Stop

MOST_SERIES = 10
PAID_WITHIN = timedelta(hours=24)  # of a visit that was booked while its customer was elsewhere
FURTHEST = timedelta(days=366)
OF_TIER = ("affiliate_id", "service_id", "tier_id", "service_name", "tier_name")
_ahead = [timedelta(days=21)]


class NoSuchSeries(NotFound):
    """There is no such series, or it is not yours to see."""


class NotYourSeries(Forbidden):
    """Only the customer can do this; ending a series, the affiliate's owner and managers can, too."""


class TooManySeries(Conflict):
    """You have as many series as you may, `most`. End one of them first."""


class SeriesIsOver(Conflict):
    """This series has ended."""


class SeriesDoesNotRest(Conflict):
    """This series is not paused."""


class SeriesRests(Conflict):
    """This series is paused already, or goes on by itself once its affiliate takes bookings again."""


class FirstVisitTooSoon(Conflict):
    """The first visit has to be as far ahead as any booking, and within a year."""


class OfAnotherAffiliate(Unprocessable):
    """A series stays with its affiliate: choose another of its tiers, or start another series."""


class SeriesStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class PausedBy(StrEnum):
    CUSTOMER = "customer"
    UNPAID = "unpaid"  # several visits in a row
    AFFILIATE = "affiliate"  # suspended: goes on with it


class PaidVisits(StrEnum):
    """What becomes of visits ahead that are paid when their series ends."""

    KEEP = "keep"
    CANCEL = "cancel"


class Series(Aggregate, Base, kw_only=True):
    """What is done never changes, only until when; who wants something else has another series follow it.

    `next_on` is the next day that is still to be seen to, `due_at` when that is; `active_since` is when it began, or
    went on after a pause. `price_cents` is what a visit cost when it began.
    """

    __tablename__ = "series"

    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    service_id: Mapped[int]
    tier_id: Mapped[int]
    service_name: Mapped[str]
    tier_name: Mapped[str]
    status: Mapped[SeriesStatus] = mapped_column(words(SeriesStatus), default=SeriesStatus.ACTIVE)
    every_weeks: Mapped[int]
    first_on: Mapped[date]
    last_on: Mapped[date | None]
    minute: Mapped[int]
    timezone: Mapped[str]
    address: Mapped[str]
    zip: Mapped[str]
    size_class: Mapped[SizeClass] = mapped_column(words(SizeClass))
    condition: Mapped[Condition] = mapped_column(words(Condition))
    add_on_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    vehicles: Mapped[list[Wanted]] = mapped_column(kept(list[Wanted]), default_factory=list)
    vehicle: Mapped[str] = mapped_column(default="")
    promotion_id: Mapped[int | None] = mapped_column(default=None)
    price_cents: Mapped[int]
    currency: Mapped[str]
    active_since: Mapped[datetime]
    paused_by: Mapped[PausedBy | None] = mapped_column(words(PausedBy), default=None)
    ended_by: Mapped[str | None] = mapped_column(default=None)
    end_reason: Mapped[str | None] = mapped_column(default=None)
    followed_by_id: Mapped[int | None] = mapped_column(default=None)
    next_on: Mapped[date | None]
    due_at: Mapped[datetime]

    @property
    def rhythm(self) -> Rhythm:
        return Rhythm(self.first_on, self.every_weeks, self.minute, self.last_on)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def moment(self, day: date) -> datetime | None:
        return self.rhythm.moment(day, self.zone)

    def may_be_seen_by(self, actor: Actor) -> bool:
        return actor.customer_id == self.customer_id or actor.works_for(self.affiliate_id) or actor.is_staff

    def must_be_of(self, actor: Actor) -> None:
        """For its customer alone, and while it has not ended."""
        if actor.customer_id != self.customer_id:
            raise NotYourSeries
        self._must_go_on()

    def must_end_for(self, actor: Actor) -> None:
        if actor.customer_id != self.customer_id and not actor.runs(self.affiliate_id):
            raise NotYourSeries
        self._must_go_on()

    def _must_go_on(self) -> None:
        if self.status is SeriesStatus.ENDED:
            raise SeriesIsOver

    @classmethod
    def start(
        cls, customer_id: int, offer: Offer, rhythm: Rhythm, promotion: Promotion | None, told: Mapping[str, Any]
    ) -> Self:
        """`told`: what is to be done where, by the names of the columns."""
        series = cls(
            customer_id=customer_id,
            **{name: getattr(offer.tier, name) for name in OF_TIER},
            timezone=offer.affiliate.timezone,
            every_weeks=rhythm.every_weeks,
            first_on=rhythm.first_on,
            last_on=rhythm.last_on,
            minute=rhythm.minute,
            currency=offer.config.currency,
            active_since=offer.at,
            next_on=rhythm.first_on,
            due_at=offer.at,
            price_cents=0,
            promotion_id=promotion.promotion_id if promotion else None,
            **told,
        )
        series._must_begin_in_time(offer)
        series.price_cents = series.sale(offer, promotion).price.total_cents
        return series

    @property
    def wanted(self) -> list[Wanted]:
        """Vehicle by vehicle. A series of earlier days knows one, by columns of its own."""
        one = Wanted(size_class=self.size_class, condition=self.condition, add_on_ids=self.add_on_ids)
        return self.vehicles or [one]

    def sale(self, offer: Offer, promotion: Promotion | None = None) -> Sale:
        """A visit, at the price of today; `OutOfServiceArea` if the affiliate comes there no more."""
        place = place_of(self.zip)
        offer.affiliate.must_come_to(place)
        return offer.sell(Job(vehicles=self.wanted, distance_m=offer.affiliate.distance_m(place)), promotion)

    def stop(self, offer: Offer) -> Stop:
        """What is to be done, as a schedule asks for it."""
        return Stop(self.sale(offer).price.duration_minutes, place_of(self.zip))

    def _must_begin_in_time(self, offer: Offer) -> None:
        first = self.moment(self.first_on)
        if first is not None and not offer.earliest <= first <= offer.at + FURTHEST:
            raise FirstVisitTooSoon

    def has_ahead(self, day: date, until: datetime) -> bool:
        """Whether it is a day of it that is still to be seen to, and not too far away to speak of."""
        return self.next_on is not None and self.next_on <= day <= until.date() and self.rhythm.has(day)

    def must_wait(self, offer: Offer) -> bool:
        """Whether it is too early to see to its next day: none is booked further ahead than all can be."""
        due = self._due_at(min(_ahead[0], offer.latest - offer.at))
        if due > offer.at:
            self.due_at = due
        return due > offer.at

    def wait(self, until: datetime) -> None:
        """Nothing can be done for its next day yet."""
        self.due_at = until

    def pass_on(self, at: datetime) -> None:
        """To the day after the one that was seen to."""
        assert self.next_on is not None
        self._look_from(self.next_on + timedelta(days=1), at)

    def _look_from(self, day: date, at: datetime) -> None:
        """After its last day it is looked at once more, to end it."""
        self.next_on = self.rhythm.next_from(day)
        self.due_at = max(at, self._due_at(_ahead[0]))

    def _due_at(self, ahead: timedelta) -> datetime:
        if self.next_on is not None:
            return self._end_of(self.next_on) - ahead
        return self._end_of(self.last_on or self.first_on)

    def _end_of(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC) + timedelta(days=1)

    def is_past(self, at: datetime) -> bool:
        """Whether its last day is over."""
        return self.last_on is not None and at >= self._end_of(self.last_on)

    def run_out(self, at: datetime) -> None:
        """Nothing more comes of it; what a pause kept from being seen to is not made up for."""
        assert self.last_on is not None
        self.next_on = None
        self.end_before(self.last_on + timedelta(days=1), "platform", "", at)

    def pause(self, by: PausedBy) -> None:
        """Visits that are booked stay; no further ones are booked."""
        if self.status is not SeriesStatus.ACTIVE:
            raise SeriesRests
        self.status, self.paused_by = SeriesStatus.PAUSED, by
        self.version += 1

    def resume(self, at: datetime) -> None:
        """What was passed over meanwhile is not made up for, and what was seen to is not seen to again."""
        if self.status is not SeriesStatus.PAUSED:
            raise SeriesDoesNotRest
        self.status, self.paused_by, self.active_since = SeriesStatus.ACTIVE, None, at
        tomorrow = at.astimezone(self.zone).date() + timedelta(days=1)
        if self.next_on is not None:
            self._look_from(max(tomorrow, self.next_on), at)
        self.version += 1

    def end_before(self, day: date, by: str, reason: str, at: datetime, *, followed_by_id: int | None = None) -> None:
        """No visit on this day or later. With none left to be seen to before, it is over now."""
        if self.last_on is None or day <= self.last_on:
            self.last_on = day - timedelta(days=1)
        self.followed_by_id = followed_by_id
        self._look_from(self.next_on or day, at)
        if self.next_on is None:
            self.status, self.paused_by = SeriesStatus.ENDED, None
            self.ended_by, self.end_reason = by, reason or None
        self.version += 1


def plan_ahead(days: int) -> None:
    """For this process, when it starts: how long before they are due visits are booked."""
    _ahead[0] = timedelta(days=days)
