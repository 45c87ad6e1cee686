"""HTTP of booking."""

from . import availability, bookings, crews, slots

routers = [slots.router, availability.router, crews.router, bookings.router]
