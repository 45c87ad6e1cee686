"""Who was erased."""

from shared.migrations import platform

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_erasure("notifications")
