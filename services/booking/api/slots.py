"""HTTP: times that can be booked."""

from datetime import UTC, date, timedelta
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import Depends, Query
from pydantic import AfterValidator, BeforeValidator, Field

from shared.auth import CurrentActor
from shared.db import ReadSession
from shared.http import MAX_ID, BadDays, Day, Moment, QueryId, QueryIds, digits
from shared.http import router as new_router
from shared.vehicles import SizeClass
from shared.wanted import MAX_VEHICLES

from ..queries import offered
from ..schemas.slots import JobAsked, NearbyAsked, NearbySlotsView, SlotsAsked, SlotsView, WhyView
from ..schemas.words import KnownZip

router = new_router("booking", "booking", "/slots")
MOST_DAYS, MOST_NEARBY_DAYS = 31, 7


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is no IANA time zone")
    return name


Zone = Annotated[str, AfterValidator(_zone)]
FirstDay = Annotated[Day | None, Query(alias="from")]
LastDay = Annotated[Day | None, Query(alias="to")]
Affiliates = Annotated[
    list[Annotated[int, BeforeValidator(digits), Field(ge=1, le=MAX_ID)]], Query(min_length=1, max_length=50)
]
Vehicles = Annotated[int, BeforeValidator(digits), Query(ge=1, le=MAX_VEHICLES)]
Category = Annotated[str, Query(pattern="^[a-z][a-z_]{0,49}$")]


def _job(
    tier_id: QueryId,
    add_on_ids: QueryIds,
    zip: KnownZip | None = None,
    size_class: SizeClass | None = None,
    vehicles: Vehicles = 1,
) -> JobAsked:
    return JobAsked(tier_id, add_on_ids, zip, size_class, vehicles)


AskedJob = Annotated[JobAsked, Depends(_job)]


def _within(most: int, first: date | None, last: date | None) -> None:
    """`BadDays` unless both are there, in order, and no further apart."""
    if first is None or last is None or not timedelta(0) <= last - first < timedelta(days=most):
        raise BadDays(most_days=most)


@router.get("", response_model=SlotsView)
async def slots(
    session: ReadSession,
    job: AskedJob,
    first: FirstDay = None,
    last: LastDay = None,
    tz: Zone | None = None,
    first_free: bool = False,
) -> SlotsView:
    """Times that can be booked, by local days of the affiliate or of `tz`, both ends included; long enough for these
    add-ons, with the drive from and to this zip code, without which no drive is counted and hours that are for some
    places are left out. Of several `vehicles`, an add-on is for as many as it is named times. `first_free`: only the
    first, from `from` or now on to the horizon. `price_cents` is the tier's, or with `size_class` that of the job, all
    vehicles of that size; a price check says how it comes to that."""
    if not first_free:
        _within(MOST_DAYS, first, last)
    return await offered.slots_of(session, SlotsAsked(job, first, last, tz, first_free))


@router.get("/why", response_model=WhyView)
async def why(session: ReadSession, actor: CurrentActor, job: AskedJob, at: Moment) -> WhyView:
    """Which rules hide a time, crew by crew; for the affiliate's team and staff."""
    return await offered.why_hidden(session, actor, job, at.astimezone(UTC))


@router.get("/nearby", response_model=NearbySlotsView)
async def nearby(
    session: ReadSession,
    affiliate_ids: Affiliates,
    category: Category,
    zip: KnownZip,
    first: FirstDay = None,
    last: LastDay = None,
    at: Moment | None = None,
) -> NearbySlotsView:
    """Of up to 50 affiliates those that do this and come there, each with its first free time for its shortest offer:
    on these of its local days, or within a week from a moment, and whether it is free just then."""
    if at is None or first or last:
        _within(MOST_NEARBY_DAYS, first, last)
    days = (first, last) if first and last else None
    asked = NearbyAsked(affiliate_ids, category, zip, days, at.astimezone(UTC) if at else None)
    return await offered.slots_nearby(session, asked)
