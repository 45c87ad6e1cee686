"""Times that can be booked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.http import View
from shared.vehicles import SizeClass

from ..domain.tour import Rule


@dataclass(frozen=True)
class JobAsked:
    """What is to be done, as far as that is known. An add-on is named once for each vehicle that gets it."""

    tier_id: int
    add_on_ids: Sequence[int] = ()
    zip: str | None = None
    size_class: SizeClass | None = None
    vehicles: int = 1

    @property
    def add_ons(self) -> list[list[int]]:
        """By vehicle; named more often than there are vehicles, the first one gets it once."""
        often = Counter(self.add_on_ids)
        return [[id for id, count in often.items() if count > place] for place in range(self.vehicles)]


@dataclass(frozen=True)
class SlotsAsked:
    """On which days, of `tz` if it is named; or only the first time from `first` on."""

    job: JobAsked
    first: date | None
    last: date | None
    tz: str | None = None
    first_free: bool = False


@dataclass(frozen=True)
class NearbyAsked:
    """At which affiliates, for what, where; on which days, or from which moment."""

    affiliate_ids: list[int]
    category: str
    zip: str
    days: tuple[date, date] | None = None
    at: datetime | None = None


class SlotView(View):
    starts_at: datetime
    ends_at: datetime


class DayView(View):
    date: date
    slots: list[SlotView]


class SlotsView(View):
    """Bookable times by local day; prices in cents."""

    affiliate_id: int
    tier_id: int
    timezone: str
    price_cents: int
    currency: str
    days: list[DayView]


class HindranceView(View):
    """A rule that hides a time; `booking_id` if it is a booking's."""

    rule: Rule
    booking_id: int | None


class CrewHindrancesView(View):
    crew_id: int
    name: str
    hidden_by: list[HindranceView]


class WhyView(View):
    """`offered` if there is a crew that nothing keeps."""

    starts_at: datetime
    timezone: str
    offered: bool
    crews: list[CrewHindrancesView]


class NearbySlotView(View):
    """`free_then`: whether a job may begin at the moment asked for; null if none was."""

    affiliate_id: int
    tier_id: int
    timezone: str
    first_free: datetime | None
    free_then: bool | None


class NearbySlotsView(View):
    items: list[NearbySlotView]
