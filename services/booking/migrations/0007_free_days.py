"""Days on which an affiliate can be booked, as told last."""

from shared.migrations import platform

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("select 1")
