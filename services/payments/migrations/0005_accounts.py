"""Affiliates' accounts at the provider."""

from shared.migrations import platform

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table payout_accounts (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint not null constraint uq_payout_accounts_affiliate_id unique,
    owner_user_id bigint not null,
    affiliate_version bigint not null,
    status varchar(50) not null default 'pending' check (status in ('pending', 'restricted', 'complete')),
    payouts_enabled boolean not null default false,
    requirements jsonb not null default '[]' check (jsonb_typeof(requirements) = 'array'),
    stripe_account_id text constraint uq_payout_accounts_stripe_account_id unique,
    reference uuid not null constraint uq_payout_accounts_reference unique,
    idempotency_key text not null constraint uq_payout_accounts_idempotency_key unique,
    attempt bigint not null default 1 check (attempt >= 1),
    requested_at timestamptz not null default now(),
    checked_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_payout_accounts_known check (status = 'pending' or stripe_account_id is not null)
);
create index idx_payout_accounts_open on payout_accounts (checked_at) where status <> 'complete';
""")
