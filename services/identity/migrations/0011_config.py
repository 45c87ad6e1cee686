"""The platform's configuration, as every service keeps it."""

from shared.migrations import platform

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_config()
