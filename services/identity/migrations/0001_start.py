"""Users, customers, teams of affiliates, refresh tokens."""

from shared.migrations import platform

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.create("identity")
    platform.run("""
create table users (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    email varchar(254) not null check (email ~ '^[^@\\s]+@[^@\\s]+$'),
    password_hash varchar(200) not null,
    role varchar(50) not null check (role in ('customer', 'affiliate', 'admin', 'support')),
    full_name varchar(200) not null,
    locale varchar(35) not null,
    timezone varchar(64) not null,
    status varchar(50) not null default 'active' check (status in ('active', 'suspended')),
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index users_email_once on users (lower(email)) where deleted_at is null;

create table customers (
    id bigint generated always as identity primary key,
    user_id bigint not null unique references users (id),
    phone varchar(16) check (phone ~ '^\\+[1-9][0-9]{6,14}$'),
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table affiliate_users (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint not null,
    user_id bigint not null references users (id),
    role varchar(50) not null check (role in ('owner', 'manager', 'technician')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint affiliate_users_once unique (affiliate_id, user_id)
);
create index idx_affiliate_users_user on affiliate_users (user_id);

create table refresh_tokens (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id),
    family uuid not null,
    family_began_at timestamptz not null,
    replaces_id bigint references refresh_tokens (id) on delete set null,
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    salt bytea check (octet_length(salt) = 32),
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz,
    device varchar(200),
    address varchar(45),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- A token has one successor, however often and however fast it is presented.
    constraint refresh_tokens_one_successor unique (replaces_id)
);
create index idx_refresh_tokens_user on refresh_tokens (user_id);
create index idx_refresh_tokens_revoked_family on refresh_tokens (family) where revoked_at is not null;
create index idx_refresh_tokens_family_began on refresh_tokens (family_began_at);
""")
