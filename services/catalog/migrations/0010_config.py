"""Commission by category and tier, cancellation policies, deposits, features."""

from shared.migrations import platform

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run(platform.TYPED_CONFIG.format(table="mdh_config"))
    platform.add_config()
    platform.run("""
-- Other services have more to know of it, and most of them did not keep it so far: it is announced anew.
with told as (
    update mdh_config set version = version + 1
     where exists (select from business_events where aggregate_type = 'config') returning version
)
insert into mdh_config_history (version, changes) select version, '{}' from told;

-- Who changed it at a shell, as they called themselves; nobody verified it, so it is no `changed_by`.
alter table mdh_config_history add column operator varchar(80);
alter table mdh_config_history add constraint ck_mdh_config_history_one check (num_nonnulls(changed_by, operator) <= 1);
""")
