"""The ways to pay that the platform offers."""

from shared.migrations import platform

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_payment_modes()
