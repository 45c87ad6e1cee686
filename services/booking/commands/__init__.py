"""Every change of booking: load, decide, announce."""
