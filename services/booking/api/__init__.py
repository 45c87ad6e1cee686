"""HTTP of booking."""

from . import availability, bookings, calendars, crews, feeds, quotes, series, slots

routers = [
    slots.router,
    availability.router,
    crews.router,
    bookings.router,
    quotes.router,
    series.router,
    calendars.router,
    feeds.router,
]
