"""HTTP of booking."""

from . import availability, bookings, calendars, crews, feeds, quotes, slots

routers = [
    slots.router,
    availability.router,
    crews.router,
    bookings.router,
    quotes.router,
    calendars.router,
    feeds.router,
]
