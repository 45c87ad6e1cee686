"""HTTP of analytics."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request

from shared.auth import CurrentActor, CurrentAdmin, CurrentStaff
from shared.clock import now
from shared.db import ReadSession, Session
from shared.errors import Unprocessable
from shared.http import QueryId
from shared.http import router as new_router
from shared.idempotency import Idempotent

from . import commands, queries
from .domain import Metric, affiliates_asked_for, kept_since
from .schemas import Day, MetricView, RebuildView, SummaryView

MAX_DAYS = 366

router = new_router("analytics", "analytics")


class BadDays(Unprocessable):
    """`from` must not lie after `to`, and a request covers 366 days at most."""


def _days(first: Annotated[Day, Query(alias="from")], last: Annotated[Day, Query(alias="to")]) -> tuple[date, date]:
    if not timedelta(0) <= last - first < timedelta(days=MAX_DAYS):
        raise BadDays
    return first, last


Days = Annotated[tuple[date, date], Depends(_days)]


@router.get("/metrics", response_model=MetricView)
async def metrics(
    metric: Metric, days: Days, actor: CurrentActor, session: ReadSession, affiliate_id: QueryId | None = None
) -> MetricView:
    """One metric by UTC day, both ends included: of all affiliates for staff, of their own for those who run one."""
    affiliates = affiliates_asked_for(actor, affiliate_id)
    points = await queries.points_of(session, metric, *days, affiliates)
    return MetricView(metric=metric, affiliate_id=affiliate_id, points=points)


@router.get("/summary", response_model=SummaryView)
async def summary(days: Days, _staff: CurrentStaff, session: ReadSession) -> SummaryView:
    """Bookings, revenue, refunds and commission by UTC day, both ends included; for staff."""
    return await queries.summary_of(session, *days)


@router.post("/metrics/rebuild", response_model=RebuildView, dependencies=[Idempotent])
async def rebuild_metrics(request: Request, _admin: CurrentAdmin, session: Session) -> RebuildView:
    """Count all numbers anew from the events that are kept; for administrators."""
    days = request.app.state.settings.analytics_retention_days
    since, events = await commands.rebuild_metrics(session, kept_since=kept_since(now(), days))
    return RebuildView(since=since, events=events)
