"""When: availability, slots and the life of an appointment."""
