"""Days on which an affiliate can be booked, as told last."""

from shared.migrations import platform

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table free_days (
    id bigint generated always as identity primary key,
    affiliate_id bigint not null constraint uq_free_days_affiliate_id unique,
    version bigint not null default 0 check (version >= 0),
    days date[] not null default '{}',
    due_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_free_days_due on free_days (due_at);
create index idx_tiers_affiliate_minutes on tiers (affiliate_id, duration_minutes) where active;
insert into free_days (affiliate_id) select affiliate_id from affiliates;
""")
