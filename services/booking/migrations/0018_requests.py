"""Requests run out as holds do."""

from shared.migrations import platform

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create index idx_bookings_waiting on bookings (hold_expires_at) where status in ('requested', 'held');
create index idx_bookings_requests on bookings (affiliate_id, appointment_start) where status = 'requested';
""")
