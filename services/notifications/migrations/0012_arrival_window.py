"""Until when a crew may arrive, for reminders."""

from shared.migrations import platform

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("alter table bookings add column arrival_window_minutes bigint not null default 0;")
