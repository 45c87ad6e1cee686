"""Suspension, impersonation, API keys."""

from shared.migrations import platform

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table users
    add column suspended_at timestamptz,
    add column suspension_reason varchar(500),
    add constraint ck_users_suspension check (
        (suspended_at is null) = (suspension_reason is null) and (suspended_at is null or status = 'suspended')
    );
create index idx_users_email_prefix on users (lower(email) text_pattern_ops);
create index idx_users_created on users (created_at, id);
create index idx_users_administrators on users (id) where role = 'admin';

-- Which of the staff read what is known of whom.
create table lookups (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    user_id bigint not null references users (id),
    staff_id bigint not null references users (id),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_lookups_user on lookups (user_id);
create index idx_lookups_staff on lookups (staff_id);
""")
