"""Times as they are shown: of one offer, of many affiliates, and why one is not."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.places import find_place, place_of
from shared.pricing import Job, Wanted

from ..domain.offer import NotYourAffiliate, Offer, Tier
from ..domain.slots import Schedule, Slot
from ..domain.tour import Hindrance, Stop
from ..schemas.slots import (
    CrewHindrancesView,
    DayView,
    HindranceView,
    JobAsked,
    NearbyAsked,
    NearbySlotsView,
    NearbySlotView,
    SlotsAsked,
    SlotsView,
    SlotView,
    WhyView,
)
from .free_days import SHORTEST_OFFERS
from .offers import get_offer
from .slots import DAY, schedule_of, schedules_of

SHORTEST_OF_CATEGORY = SHORTEST_OFFERS.where(Tier.category == bindparam("category"))
WEEK = timedelta(days=7)


async def slots_of(session: AsyncSession, asked: SlotsAsked) -> SlotsView:
    """Bookable times on these days; two statements whatever the range."""
    offer = await get_offer(session, asked.job.tier_id)
    offer.must_be_bookable()
    stop, price_cents = _stop(offer, asked.job)
    first, last = _reach(offer, asked)
    schedule = await schedule_of(session, offer, first, max(first, last))
    found = _by_day(schedule, offer, _between(first, last), stop, asked)
    return SlotsView(
        affiliate_id=offer.affiliate.affiliate_id,
        tier_id=asked.job.tier_id,
        timezone=asked.tz or offer.affiliate.timezone,
        price_cents=price_cents,
        currency=offer.config.currency,
        days=[DayView(date=day, slots=slots) for day, slots in found.items()],
    )


async def why_hidden(session: AsyncSession, actor: Actor, job: JobAsked, at: datetime) -> WhyView:
    """What keeps each crew from beginning then; for the affiliate's team, and staff."""
    offer = await get_offer(session, job.tier_id)
    affiliate = offer.affiliate
    if not (actor.works_for(affiliate.affiliate_id) or actor.is_staff):
        raise NotYourAffiliate
    stop, _ = _stop(offer, job)
    day = at.astimezone(affiliate.zone).date()
    schedule = await schedule_of(session, offer, day, day)
    of_all = [Hindrance(rule) for rule, hides in offer.hides(at).items() if hides]
    found = {crew.id: of_all + schedule.hindrances(at, stop)[crew.id] for crew in schedule.crews}
    return WhyView(
        starts_at=at,
        timezone=affiliate.timezone,
        offered=not all(found.values()),
        crews=[
            CrewHindrancesView(
                crew_id=crew.id,
                name=crew.name,
                hidden_by=[HindranceView.model_validate(hindrance) for hindrance in found[crew.id]],
            )
            for crew in schedule.crews
        ],
    )


async def slots_nearby(session: AsyncSession, asked: NearbyAsked) -> NearbySlotsView:
    """The first free time of each affiliate that does this and comes there; two statements, however many."""
    place = place_of(asked.zip)
    sought = {"affiliate_ids": asked.affiliate_ids, "category": asked.category}
    rows = [Offer(*row) for row in await session.execute(SHORTEST_OF_CATEGORY, sought)]
    offers = [offer for offer in rows if offer.affiliate.comes_to(place)]
    if not offers:
        return NearbySlotsView(items=[])
    first, last = asked.at or min(o.earliest for o in offers), max(o.latest for o in offers)
    if asked.days:
        first, last = (datetime.combine(day, datetime.min.time(), ZoneInfo("UTC")) for day in asked.days)
    schedules = await schedules_of(session, offers, first - DAY, min(last, first + WEEK) + DAY)
    return NearbySlotsView(items=[_nearby(offer, schedules[offer.tier.affiliate_id], asked) for offer in offers])


def _nearby(offer: Offer, schedule: Schedule, asked: NearbyAsked) -> NearbySlotView:
    stop = Stop(offer.tier.duration_minutes, find_place(asked.zip))
    first, last = asked.days or _week_from((asked.at or offer.earliest).astimezone(schedule.zone).date())
    after = max(offer.earliest, asked.at) if asked.at else offer.earliest
    slot = next(schedule.slots(_between(first, last), stop, after, offer.latest), None)
    return NearbySlotView(
        affiliate_id=offer.tier.affiliate_id,
        tier_id=offer.tier.tier_id,
        timezone=offer.affiliate.timezone,
        first_free=slot.starts_at if slot else None,
        free_then=None if asked.at is None else slot is not None and slot.starts_at == asked.at,
    )


def _stop(offer: Offer, job: JobAsked) -> tuple[Stop, int]:
    """What is to be done, and what it costs; without a size, the tier's price."""
    place = place_of(job.zip) if job.zip else None
    if place:
        offer.affiliate.must_come_to(place)
    if job.size_class is None:
        return Stop(offer.minutes_with(job.add_ons), place), offer.tier.price_cents * job.vehicles
    distance_m = offer.affiliate.distance_m(place) if place else None
    vehicles = [Wanted(size_class=job.size_class, add_on_ids=ids) for ids in job.add_ons]
    price = offer.sell(Job(vehicles=vehicles, distance_m=distance_m), None).price
    return Stop(price.duration_minutes, place), price.total_cents


def _reach(offer: Offer, asked: SlotsAsked) -> tuple[date, date]:
    """The affiliate's local days that may have slots to show: of another zone's days those on either side, too. None,
    if the last lies before the first."""
    earliest, latest = (at.astimezone(offer.affiliate.zone).date() for at in (offer.earliest, offer.latest))
    around = DAY if asked.tz else timedelta(0)
    first = max(asked.first - around, earliest) if asked.first else earliest
    last = min(asked.last + around, latest) if asked.last else latest
    return first, last


def _by_day(
    schedule: Schedule, offer: Offer, days: Sequence[date], stop: Stop, asked: SlotsAsked
) -> dict[date, list[SlotView]]:
    zone = ZoneInfo(asked.tz) if asked.tz else schedule.zone
    shown = _between(asked.first, asked.last) if asked.first and asked.last and not asked.first_free else []
    found: dict[date, list[SlotView]] = {day: [] for day in shown}
    for slot in schedule.slots(days, stop, offer.earliest, offer.latest):
        day = slot.starts_at.astimezone(zone).date()
        if asked.first_free and (asked.first is None or day >= asked.first):
            return {day: [_view(slot)]}
        if day in found:
            found[day].append(_view(slot))
    return found


def _view(slot: Slot) -> SlotView:
    return SlotView.model_construct(starts_at=slot.starts_at, ends_at=slot.ends_at)


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _week_from(day: date) -> tuple[date, date]:
    return day, day + timedelta(days=6)
