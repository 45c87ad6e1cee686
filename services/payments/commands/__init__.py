"""Every change of payments: load, decide, announce. What needs the provider is a call: before, call, after."""

from shared.tasks import Tasks

tasks = Tasks("payments")
