"""Suspension, impersonation, API keys."""

from shared.migrations import platform

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_causes()
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

create table impersonations (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    staff_id bigint not null references users (id),
    user_id bigint not null references users (id),
    session uuid not null constraint impersonations_one_session unique,
    reason varchar(500) not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_impersonations_somebody_else check (staff_id <> user_id),
    constraint ck_impersonations_short check (
        expires_at > created_at and expires_at <= created_at + interval '15 minutes'
    )
);
create index idx_impersonations_created on impersonations (created_at, id);
create index idx_impersonations_staff on impersonations (staff_id, created_at, id);
create index idx_impersonations_user on impersonations (user_id);

create table api_keys (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    user_id bigint not null references users (id),
    affiliate_id bigint,
    name varchar(200) not null,
    prefix varchar(8) not null check (prefix ~ '^[a-z0-9]{8}$'),
    secret_hash bytea not null constraint api_keys_one_secret unique check (octet_length(secret_hash) = 32),
    scopes jsonb not null,
    expires_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_api_keys_year check (expires_at > created_at and expires_at <= created_at + interval '366 days'),
    constraint ck_api_keys_scopes check (jsonb_typeof(scopes) = 'array' and jsonb_array_length(scopes) > 0)
);
create index idx_api_keys_user on api_keys (user_id);
create index idx_api_keys_affiliate on api_keys (affiliate_id) where affiliate_id is not null;
create index idx_api_keys_created on api_keys (created_at, id);
""")
