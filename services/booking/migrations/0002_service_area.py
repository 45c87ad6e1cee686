"""Where an affiliate starts from and how far it goes; unknown (null) until catalog tells of the affiliate again."""

from shared.migrations import platform

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table affiliates add column latitude double precision;
alter table affiliates add column longitude double precision;
alter table affiliates add column service_radius_m bigint;
""")
