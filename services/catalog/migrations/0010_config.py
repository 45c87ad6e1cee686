"""Commission by category and tier, cancellation policies, deposits, features."""

from shared.migrations import platform

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
-- Who changed it at a shell, as they called themselves; nobody verified it, so it is no `changed_by`.
alter table mdh_config_history add column operator varchar(80);
alter table mdh_config_history add constraint ck_mdh_config_history_one check (num_nonnulls(changed_by, operator) <= 1);
""")
