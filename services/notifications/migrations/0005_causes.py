"""Because of what a call is made."""

from shared.migrations import platform

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_causes()
