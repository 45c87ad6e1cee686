"""The ways to pay that the platform offers, and the one that an affiliate has chosen."""

from shared.migrations import platform

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_payment_modes()
    platform.run(platform.PAYMENT_MODES.format(table="mdh_config"))
    platform.run("""
alter table affiliates add column payment_mode varchar(50);
""")
