"""Second factors, and signing in elsewhere."""

from shared.migrations import platform

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table users add column second_factor_at timestamptz;

create table second_factors (
    user_id bigint primary key references users (id),
    secret bytea not null,
    -- The step of the last code that was taken: only a later one is taken after it.
    last_step bigint constraint second_factors_last_step check (last_step > 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table recovery_codes (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id),
    code_hash bytea not null constraint recovery_codes_hash check (octet_length(code_hash) = 32),
    used_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint recovery_codes_once unique (user_id, code_hash)
);

create table second_factor_challenges (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id),
    user_version bigint not null,
    challenge_hash bytea not null constraint second_factor_challenges_once unique
        constraint second_factor_challenges_hash check (octet_length(challenge_hash) = 32),
    device varchar(200),
    expires_at timestamptz not null,
    tries bigint not null default 0 constraint second_factor_challenges_tries check (tries >= 0),
    used_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_second_factor_challenges_expires on second_factor_challenges (expires_at);

create table oidc_authorizations (
    id bigint generated always as identity primary key,
    provider varchar(40) not null,
    state_hash bytea not null constraint oidc_authorizations_once unique
        constraint oidc_authorizations_state check (octet_length(state_hash) = 32),
    browser_hash bytea not null constraint oidc_authorizations_browser check (octet_length(browser_hash) = 32),
    device varchar(200),
    return_to varchar(500) constraint oidc_authorizations_return_to check (return_to ~ '^/([^/\\\\]|$)'),
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_oidc_authorizations_expires on oidc_authorizations (expires_at);

create table oidc_links (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id),
    provider varchar(40) not null,
    issuer varchar(255) not null,
    subject varchar(255) not null,
    email varchar(254) not null,
    last_used_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint oidc_links_once unique (issuer, subject),
    -- An address that went to somebody else at the provider does not open the account of who had it before.
    constraint oidc_links_one_per_issuer unique (user_id, issuer)
);
""")
