"""What the API of analytics takes and gives."""

from datetime import date

from pydantic import Field

from shared.http import View

from .domain import Metric


class PointView(View):
    """One UTC day; money in cents of `currency`, counts without one."""

    date: date
    currency: str | None
    value: int


class MetricView(View):
    """Days on which nothing happened are left out."""

    metric: Metric
    affiliate_id: int | None = Field(description="null: all that the asker may see")
    points: list[PointView]


class MoneyView(View):
    """Cents of `currency`; revenue and commission as captured, refunds on the day that they went back."""

    currency: str
    revenue_cents: int = 0
    refunds_cents: int = 0
    commission_cents: int = 0


class DaySummaryView(View):
    """One UTC day."""

    date: date
    bookings_held: int = 0
    bookings_confirmed: int = 0
    bookings_completed: int = 0
    bookings_cancelled: int = 0
    bookings_expired: int = 0
    quotes_requested: int = 0
    quotes_accepted: int = 0
    money: list[MoneyView] = Field(default_factory=list)


class SummaryView(View):
    """Days on which nothing happened are left out."""

    days: list[DaySummaryView]


class RebuildView(View):
    """From which day on the numbers were counted anew (null: there are no events), and from how many events."""

    since: date | None
    events: int
