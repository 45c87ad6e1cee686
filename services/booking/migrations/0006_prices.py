"""Copies of price lists and promotions; what a booking's price was made of."""

from shared.migrations import platform

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("select 1")
