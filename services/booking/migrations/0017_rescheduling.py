"""Another time for an appointment, as its affiliate proposes it."""

from shared.migrations import platform

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("alter table bookings add column proposed_start timestamptz;")
