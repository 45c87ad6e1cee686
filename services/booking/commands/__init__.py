"""Every change of booking: load, decide, announce. Other people's calendars are read by calls."""

from shared.tasks import Tasks

tasks = Tasks("booking")
