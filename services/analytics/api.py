"""HTTP of analytics."""

from datetime import date
from typing import Annotated

from fastapi import Request

from shared.auth import CurrentActor, CurrentAdmin, CurrentStaff
from shared.clock import now
from shared.db import ReadSession, Session
from shared.http import QueryId, days
from shared.http import router as new_router
from shared.idempotency import Idempotent

from . import commands, queries
from .domain import Metric, affiliates_asked_for, kept_since
from .schemas import MetricView, RebuildView, SummaryView

router = new_router("analytics", "analytics")

Days = Annotated[tuple[date, date], days(366)]


@router.get("/metrics", response_model=MetricView)
async def metrics(
    metric: Metric, asked: Days, actor: CurrentActor, session: ReadSession, affiliate_id: QueryId | None = None
) -> MetricView:
    """One metric by UTC day, both ends included: of all affiliates for staff, of their own for those who run one."""
    affiliates = affiliates_asked_for(actor, affiliate_id)
    points = await queries.points_of(session, metric, *asked, affiliates)
    return MetricView(metric=metric, affiliate_id=affiliate_id, points=points)


@router.get("/summary", response_model=SummaryView)
async def summary(asked: Days, _staff: CurrentStaff, session: ReadSession) -> SummaryView:
    """Bookings, revenue, refunds and commission by UTC day, both ends included; for staff."""
    return await queries.summary_of(session, *asked)


@router.post("/metrics/rebuild", response_model=RebuildView, dependencies=[Idempotent])
async def rebuild_metrics(request: Request, _admin: CurrentAdmin, session: Session) -> RebuildView:
    """Count all numbers anew from the events that are kept; for administrators."""
    since, events = await commands.rebuild_metrics(
        session, kept_since=kept_since(now(), request.app.state.settings.analytics_retention_days)
    )
    return RebuildView(since=since, events=events)
