"""Zip codes that an affiliate comes to, its tier and its cancellation policy."""

from shared.migrations import platform

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("select 1")
