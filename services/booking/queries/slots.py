"""When an affiliate can come: its hours, its crews, and what keeps them. The same for one affiliate and for many."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    ScalarSelect,
    String,
    Subquery,
    any_,
    bindparam,
    cast,
    false,
    func,
    literal_column,
    null,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE
from sqlalchemy.ext.asyncio import AsyncSession

from shared.places import find_place

from ..domain.agenda import Taken
from ..domain.availability import Availability, Crew
from ..domain.booking import Booking
from ..domain.calendars import ExternalBusy
from ..domain.exceptions import AvailabilityException
from ..domain.hours import Hours, Kind
from ..domain.offer import Offer
from ..domain.slots import Schedule
from ..domain.travel import chosen
from .bookings import IS_ACTIVE, IS_DONE, LAPSED

LOCK = text("select pg_advisory_xact_lock(hashtextextended('affiliate ' || :affiliate_id, 0))")
DAY = timedelta(days=1)
AMONG = any_(bindparam("affiliate_ids", type_=ARRAY(BigInteger)))
MOMENT = DateTime(timezone=True)
FIRST, LAST = bindparam("first", type_=MOMENT), bindparam("last", type_=MOMENT)
AROUND = func.tstzrange(FIRST, LAST, "[)", type_=TSTZRANGE)


def _all_of(rows: Subquery) -> ScalarSelect[Any]:
    """They come as one value: a list of rows."""
    return select(func.array_agg(func.row(*rows.c))).select_from(rows).scalar_subquery()


# Windows and exceptions as rows of one shape: those of `Hours`.
WEEKLY = select(
    literal_column(f"'{Kind.WEEKLY}'", String).label("kind"),
    Availability.opens_minute,
    Availability.closes_minute,
    Availability.weekday,
    cast(null(), Date).label("first_day"),
    cast(null(), Date).label("last_day"),
    Availability.crew_id,
    Availability.zips,
    Availability.near_zip,
    Availability.near_radius_m,
).where(Availability.affiliate_id == Crew.affiliate_id)
OTHERWISE = select(
    cast(AvailabilityException.kind, String),
    AvailabilityException.from_minute,
    AvailabilityException.to_minute,
    cast(null(), BigInteger),
    AvailabilityException.first_day,
    AvailabilityException.last_day,
    AvailabilityException.crew_id,
    literal_column("'{}'::varchar[]", ARRAY(String)),
    null(),
    cast(null(), BigInteger),
).where(
    AvailabilityException.affiliate_id == Crew.affiliate_id,
    AvailabilityException.last_day >= cast(FIRST, Date),
    AvailabilityException.first_day <= cast(LAST, Date),
)
HOURS = union_all(WEEKLY.correlate(Crew), OTHERWISE.correlate(Crew)).subquery("hours")

APPOINTMENT = (Booking.appointment_start, Booking.appointment_end, Booking.zip)
BOOKED = select(
    Booking.id,
    func.lower(Booking.blocked).label("starts"),
    func.upper(Booking.blocked).label("ends"),
    LAPSED.label("lapsed"),
    false().label("done"),
    *APPOINTMENT,
).where(Booking.crew_id == Crew.id, IS_ACTIVE, Booking.blocked.op("&&")(AROUND))
# Done, or missed when the crew was there, it keeps nobody, and still counts for its day. None is before its day.
DONE = select(
    Booking.id, func.lower(Booking.blocked), func.upper(Booking.blocked), false(), true(), *APPOINTMENT
).where(
    Booking.affiliate_id == Crew.affiliate_id,
    Booking.crew_id == Crew.id,
    IS_DONE,
    Booking.appointment_start >= FIRST,
    Booking.appointment_start < func.least(LAST, func.now() + DAY),
)
BUSY = select(
    null(), func.lower(ExternalBusy.during), func.upper(ExternalBusy.during), false(), false(), null(), null(), null()
).where(ExternalBusy.crew_id == Crew.id, ExternalBusy.during.op("&&")(AROUND))
# For each crew at a time, so that each part is looked up in its index.
TAKEN = union_all(BOOKED.correlate(Crew), DONE.correlate(Crew), BUSY.correlate(Crew)).subquery("taken")
# One list for each column: of hundreds of rows half as much work, for PostgreSQL and for us, as a list of rows.
LISTS = select(*(func.array_agg(column) for column in TAKEN.c)).select_from(TAKEN).lateral()
CREWS = select(Crew, _all_of(HOURS), *LISTS.c).join(LISTS, true()).where(Crew.active).order_by(Crew.id)
CREWS_OF_MANY = CREWS.where(Crew.affiliate_id == AMONG)
# PostgreSQL plans it once, where for a list of unknown length it would plan each time: three times the work.
CREWS_OF_ONE = CREWS.where(Crew.affiliate_id == bindparam("affiliate_id"))


async def lock_schedule(session: AsyncSession, affiliate_id: int) -> None:
    """Whoever changes who is taken when at an affiliate goes first, the others wait: no deadlocks, short queues."""
    await session.execute(LOCK, {"affiliate_id": str(affiliate_id)})


async def schedule_of(session: AsyncSession, offer: Offer, first: date, last: date) -> Schedule:
    """What slots on these local days come from, in one statement whatever the range."""
    start, end = (datetime.combine(day, datetime.min.time(), offer.affiliate.zone) for day in (first, last))
    return (await schedules_of(session, [offer], start, end))[offer.affiliate.affiliate_id]


async def schedules_of(
    session: AsyncSession, offers: Sequence[Offer], first: datetime, last: datetime
) -> dict[int, Schedule]:
    """By affiliate, from the local day of `first` to that of `last`: one statement however many there are."""
    ids = [offer.affiliate.affiliate_id for offer in offers]
    statement = CREWS_OF_ONE if len(ids) == 1 else CREWS_OF_MANY
    sought = {"affiliate_id": ids[0], "affiliate_ids": ids, "first": first - DAY, "last": last + 2 * DAY}
    hours: dict[int, list[Hours]] = {}
    crews: dict[int, list[Crew]] = defaultdict(list)
    taken: dict[int, list[Taken]] = defaultdict(list)
    for crew, its_hours, *lists in await session.execute(statement, sought):
        if crew.affiliate_id not in hours:
            hours[crew.affiliate_id] = [_hours(*row) for row in its_hours or ()]
        crews[crew.affiliate_id].append(crew)
        rows = zip(*(values or () for values in lists), strict=True)
        taken[crew.affiliate_id] += (_taken(crew.id, *row) for row in rows)
    return {
        id: Schedule(
            offer.affiliate.zone,
            hours.get(id, []),
            crews[id],
            taken[id],
            interval=offer.interval,
            base=offer.affiliate.base,
            travel=chosen(),
        )
        for offer in offers
        for id in [offer.affiliate.affiliate_id]
    }


def _hours(kind: str, *row: Any) -> Hours:
    *known, near_zip, radius_m = row
    return Hours(Kind(kind), *[*known, find_place(near_zip) if near_zip else None, radius_m or 0])


def _taken(crew_id: int, *row: Any) -> Taken:
    """An address that was erased is no place: no drive is counted to it."""
    *known, zip = row
    return Taken(crew_id, *[*known, find_place(zip) if zip else None])
