"""Cards that customers keep for their next bookings, and who the provider knows them as."""

from shared.migrations import platform

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table payments add column keeps_card boolean not null default false;

create table wallets (
    id bigint generated always as identity primary key,
    customer_id bigint not null constraint uq_wallets_customer_id unique,
    stripe_customer_id text constraint uq_wallets_stripe_customer_id unique,
    reference uuid not null constraint uq_wallets_reference unique,
    idempotency_key text not null constraint uq_wallets_idempotency_key unique,
    attempt bigint not null default 1 check (attempt >= 1),
    requested_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table kept_cards (
    id bigint generated always as identity primary key,
    customer_id bigint not null,
    stripe_payment_method_id text not null constraint uq_kept_cards_stripe_payment_method_id unique,
    brand varchar(50) not null,
    last_four varchar(4) not null,
    expires_month bigint not null check (expires_month between 1 and 12),
    expires_year bigint not null,
    created_at timestamptz not null default now()
);
create index idx_kept_cards_customer on kept_cards (customer_id);
""")
