"""Times that can be booked."""

from datetime import date, datetime

from shared.http import View


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
