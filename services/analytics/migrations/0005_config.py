"""The platform's configuration, as every service keeps it."""

from shared.migrations import platform

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_config()
