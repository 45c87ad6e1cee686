"""Whether an affiliate can be paid, as payments tells it."""

from shared.migrations import platform

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table affiliates
    add column payout_status varchar(50) not null default 'pending'
        check (payout_status in ('pending', 'restricted', 'complete')),
    add column payouts_enabled boolean not null default false,
    add column payout_version bigint not null default 0;
""")
