"""Proofs that somebody reads an address, and what accounts need besides."""

from shared.migrations import platform

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
select 1;
""")
