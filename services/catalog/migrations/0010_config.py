"""Commission by category and tier, cancellation policies, deposits, features."""

from shared.migrations import platform

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("select 1")
