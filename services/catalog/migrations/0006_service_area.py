"""Zip codes that an affiliate comes to beside its radius."""

from shared.migrations import platform

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("select 1")
