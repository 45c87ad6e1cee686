"""Zip codes that an affiliate comes to, its tier and its cancellation policy, as catalog tells of them."""

from shared.migrations import platform

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table affiliates
    add column service_zips varchar(10)[] not null default '{}',
    add column affiliate_tier varchar(50) not null default 'standard',
    add column cancellation_policy varchar(50);
""")
