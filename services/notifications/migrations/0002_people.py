"""Keys to what is personal in the audit trail; tokens that end before their time."""

from shared.migrations import platform

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_people()
