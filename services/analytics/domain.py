"""Rules of analytics: what an event counts for, and what of it may be kept. Mapped tables and pure functions, no I/O.

A day is a UTC day, that of the fact (`occurred_at`) and not that of its arrival: late news counts where it belongs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Computed
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from shared.auth import Actor
from shared.contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingExpired,
    BookingHeld,
    BookingNoShow,
    QuoteAccepted,
    QuoteRequested,
)
from shared.contracts.payments import PaidOnSite, PaymentCaptured, PaymentRefunded
from shared.db import Keyed, Timestamped, new_registry
from shared.errors import Forbidden


class NotYourNumbers(Forbidden):
    """You can see the numbers of the affiliates that you own or manage, and no others."""


class Metric(StrEnum):
    BOOKINGS_HELD = "bookings_held"
    BOOKINGS_CONFIRMED = "bookings_confirmed"
    BOOKINGS_COMPLETED = "bookings_completed"
    BOOKINGS_CANCELLED = "bookings_cancelled"
    BOOKINGS_EXPIRED = "bookings_expired"
    BOOKINGS_MISSED = "bookings_missed"
    QUOTES_REQUESTED = "quotes_requested"
    QUOTES_ACCEPTED = "quotes_accepted"
    REVENUE_CENTS = "revenue_cents"
    REFUNDS_CENTS = "refunds_cents"
    COMMISSION_CENTS = "commission_cents"
    TIPS_CENTS = "tips_cents"


@dataclass(frozen=True, slots=True)
class Rule:
    """An event counts 1 for `metric`, or what stands in its field `amount`; apart for each value of `apart_by`. Of
    payments, those with a `purpose` that it is for; they had only one before there was such a field."""

    metric: Metric
    amount: str | None = None
    apart_by: tuple[str, ...] = ("affiliate_id",)
    purposes: frozenset[str] | None = None

    def counts(self, properties: Mapping[str, Any]) -> bool:
        return self.purposes is None or properties.get("purpose", "booking") in self.purposes


MONEY = ("affiliate_id", "currency")
OF_PRICE, TIP = frozenset({"booking", "rest", "extra", "fee"}), frozenset({"tip"})

# Revenue and commission are those of the capture; what went back is counted beside them, on the day it went.
RULES: dict[str, tuple[Rule, ...]] = {
    BookingHeld.type: (Rule(Metric.BOOKINGS_HELD),),
    BookingConfirmed.type: (Rule(Metric.BOOKINGS_CONFIRMED),),
    BookingCompleted.type: (Rule(Metric.BOOKINGS_COMPLETED),),
    BookingCancelled.type: (Rule(Metric.BOOKINGS_CANCELLED),),
    BookingExpired.type: (Rule(Metric.BOOKINGS_EXPIRED),),
    BookingNoShow.type: (Rule(Metric.BOOKINGS_MISSED),),
    QuoteRequested.type: (Rule(Metric.QUOTES_REQUESTED),),
    QuoteAccepted.type: (Rule(Metric.QUOTES_ACCEPTED),),
    PaymentCaptured.type: (
        Rule(Metric.COMMISSION_CENTS, "commission_cents", MONEY),
        Rule(Metric.REVENUE_CENTS, "amount_cents", MONEY, OF_PRICE),
        Rule(Metric.TIPS_CENTS, "amount_cents", MONEY, TIP),
    ),
    # The price is not the platform's to take there: it is no revenue that passes through the books.
    PaidOnSite.type: (Rule(Metric.COMMISSION_CENTS, "commission_cents", MONEY),),
    PaymentRefunded.type: (Rule(Metric.REFUNDS_CENTS, "refund_cents", MONEY),),
}

# Fields that contracts mark PERSONAL are left out in any case. Beside them: what a sole trader's business says of its
# owner, and free text, in which people may say something of themselves.
PERSONAL = frozenset(
    {
        "address",
        "code",
        "comment",
        "description",
        "email",
        "full_name",
        "label",
        "latitude",
        "longitude",
        "name",
        "phone",
        "photo_urls",
        "reason",
        "seller",
        "slug",
        "zip",
    }
)

BY_USER = re.compile(r"(?:user:\d+ as )?user:(\d+)(?: by key:\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Delta:
    """What one event adds to one number."""

    metric: Metric
    value: int
    dimensions: dict[str, Any]


def deltas(event_name: str, properties: Mapping[str, Any]) -> list[Delta]:
    """What an event adds. It depends on nothing but the event: order and company make no difference to the sum."""
    return [
        Delta(
            rule.metric,
            int(properties[rule.amount]) if rule.amount else 1,
            {name: properties[name] for name in rule.apart_by},
        )
        for rule in RULES.get(event_name, ())
        if rule.counts(properties)
    ]


def impersonal(value: Any) -> Any:
    """A body without what is in `PERSONAL`, at any depth."""
    if isinstance(value, dict):
        return {name: impersonal(inner) for name, inner in value.items() if name not in PERSONAL}
    return [impersonal(inner) for inner in value] if isinstance(value, list) else value


def user_of(properties: Mapping[str, Any], actor: str) -> int | None:
    """The user that an event is about, or else the one who made it happen, or in whose name it was (`shared.auth`)."""
    if (named := properties.get("user_id")) is not None:
        return int(named)
    acted = BY_USER.fullmatch(actor)
    return int(acted[1]) if acted else None


def affiliates_asked_for(actor: Actor, affiliate_id: int | None) -> list[int] | None:
    """Whose numbers an answer is made of: one affiliate's, those of all the asker's affiliates, or (None) all."""
    if actor.is_staff:
        return None if affiliate_id is None else [affiliate_id]
    mine = [id for id in sorted(actor.affiliates) if actor.runs(id) and affiliate_id in (None, id)]
    if not mine:
        raise NotYourNumbers
    return mine


def day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def kept_since(moment: datetime, retention_days: int) -> datetime:
    """The beginning of the first day whose events are kept: days are kept whole or not at all."""
    first = day_of(moment) - timedelta(days=retention_days)
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


class Base(MappedAsDataclass, DeclarativeBase):
    """Tables of mdh_analytics."""

    registry = new_registry()


class AnalyticsEvent(Keyed, Base, kw_only=True):
    """One event of any service. `session_id` is its correlation id: the same over a whole journey."""

    __tablename__ = "analytics_events"

    event_id: Mapped[UUID]
    event_name: Mapped[str]
    user_id: Mapped[int | None]
    session_id: Mapped[str]
    properties: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime]


class BusinessMetric(Keyed, Timestamped, Base, kw_only=True):
    """One number of one UTC day; `recorded_at` is the time of the latest fact in it."""

    __tablename__ = "business_metrics"

    metric_name: Mapped[str]
    metric_date: Mapped[date]
    dimensions: Mapped[dict[str, Any]]
    metric_value: Mapped[Decimal]
    recorded_at: Mapped[datetime]
    affiliate_id: Mapped[int | None] = mapped_column(Computed("(dimensions ->> 'affiliate_id')::bigint"), init=False)
    currency: Mapped[str | None] = mapped_column(Computed("dimensions ->> 'currency'"), init=False)
