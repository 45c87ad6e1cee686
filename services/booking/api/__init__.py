"""HTTP of booking."""

from . import availability, bookings, crews, quotes, slots

routers = [slots.router, availability.router, crews.router, bookings.router, quotes.router]
