"""Who owns an affiliate, as identity tells it; what else an application says; what the platform counts it among."""

from shared.migrations import platform

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table team_members (
    affiliate_user_id bigint primary key,
    version bigint not null,
    affiliate_id bigint not null,
    user_id bigint not null,
    is_owner boolean not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_team_members_affiliate on team_members (affiliate_id) where is_owner;
create index idx_team_members_user on team_members (user_id) where is_owner;

-- Only those of whom something else than "active" was told.
create table people (
    user_id bigint primary key,
    version bigint not null,
    state varchar(50) not null check (state in ('active', 'suspended', 'closed')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

alter table affiliates
    add column contact_name varchar(200),
    add column insurer varchar(200),
    add column insurance_reference varchar(200),
    add column insurance_expires_on date,
    add column affiliate_tier varchar(50) not null default 'standard',
    add column cancellation_policy varchar(50);
""")
