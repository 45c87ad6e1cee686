"""Every read of analytics: Core statements over numbers that are kept ready."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from .domain import RULES, AnalyticsEvent, BusinessMetric, Metric, day_of
from .schemas import DaySummaryView, MoneyView, PointView, SummaryView

TOTAL = func.sum(BusinessMetric.metric_value).label("value")


async def points_of(
    session: AsyncSession, metric: Metric, first: date, last: date, affiliates: Collection[int] | None
) -> list[PointView]:
    """A metric by day and currency, over these affiliates (None: all)."""
    day, currency = BusinessMetric.metric_date.label("date"), BusinessMetric.currency
    statement = select(day, currency, TOTAL).where(
        BusinessMetric.metric_name == metric, BusinessMetric.metric_date.between(first, last)
    )
    if affiliates is not None:
        statement = statement.where(BusinessMetric.affiliate_id.in_(affiliates))
    rows = await session.execute(statement.group_by(day, currency).order_by(day, currency))
    return [PointView.model_validate(row) for row in rows]


async def summary_of(session: AsyncSession, first: date, last: date) -> SummaryView:
    """All metrics of all affiliates by day."""
    key = (BusinessMetric.metric_date, BusinessMetric.currency, BusinessMetric.metric_name)
    statement = select(*key, TOTAL).where(BusinessMetric.metric_date.between(first, last))
    return _summary((await session.execute(statement.group_by(*key).order_by(*key))).all())


def _summary(rows: Iterable[Any]) -> SummaryView:
    days: dict[date, DaySummaryView] = {}
    for day, currency, metric, value in rows:
        summary = days.setdefault(day, DaySummaryView(date=day))
        if currency is None:
            setattr(summary, metric, int(value))
        else:
            setattr(_money(summary, currency), metric, int(value))
    return SummaryView(days=list(days.values()))


def _money(summary: DaySummaryView, currency: str) -> MoneyView:
    """Rows come by currency, so that it is the last one or a new one."""
    if not summary.money or summary.money[-1].currency != currency:
        summary.money.append(MoneyView(currency=currency))
    return summary.money[-1]


async def first_whole_day(session: AsyncSession, kept_since: datetime) -> datetime | None:
    """The beginning of the first day whose events are all here; None if there are no events."""
    oldest = await session.scalar(select(func.min(AnalyticsEvent.occurred_at)))
    if oldest is None:
        return None
    return max(kept_since, datetime.combine(day_of(oldest), time(), UTC))


async def countable_events(session: AsyncSession, since: datetime, *, batch: int) -> AsyncIterator[Sequence[Any]]:
    """Events that count for something, from then on, in batches."""
    columns = (AnalyticsEvent.id, AnalyticsEvent.event_name, AnalyticsEvent.properties, AnalyticsEvent.occurred_at)
    all_of_them = select(*columns).where(AnalyticsEvent.occurred_at >= since, AnalyticsEvent.event_name.in_(RULES))
    last = 0
    while rows := (
        await session.execute(all_of_them.where(AnalyticsEvent.id > last).order_by(AnalyticsEvent.id).limit(batch))
    ).all():
        yield rows
        last = rows[-1].id
