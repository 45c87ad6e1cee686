"""HTTP of booking."""

from . import availability, bookings, slots

routers = [slots.router, availability.router, bookings.router]
