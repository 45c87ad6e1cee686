"""Payouts to affiliates: what is ripe, what was paid out of which payment, and the books of it.

The previous code writes none of the new times: what it settles while it still runs is taken to be as old as its row.
"""

from shared.migrations import platform

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table bookings add column final_at timestamptz;
update bookings set final_at = updated_at, updated_at = updated_at
    where status in ('completed', 'cancelled', 'no_show');

alter table payments
    add column captured_at timestamptz,
    add column paid_out_cents bigint not null default 0,
    add column paid_out_version bigint;
update payments set updated_at = updated_at, captured_at = coalesce(
    (select min(created_at) from journals where payment_id = payments.id), updated_at
) where captured_cents > 0;
create index idx_payments_to_pay_out on payments (affiliate_id)
    where paid_out_version is distinct from version and (captured_cents > 0 or status = 'paid_on_site');

alter table payout_accounts
    add column name varchar(255),
    add column payouts_checked_at timestamptz not null default now();
create index idx_payout_accounts_complete on payout_accounts (payouts_checked_at) where status = 'complete';

create table payouts (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint not null,
    currency char(3) not null,
    amount_cents bigint not null check (amount_cents > 0),
    stripe_account_id text not null,
    status varchar(50) not null default 'pending' check (status in ('pending', 'paid', 'refused')),
    refusal varchar(200),
    stripe_transfer_id text constraint uq_payouts_stripe_transfer_id unique,
    paid_at timestamptz,
    reference uuid not null constraint uq_payouts_reference unique,
    idempotency_key text not null constraint uq_payouts_idempotency_key unique,
    attempt bigint not null default 1 check (attempt >= 1),
    requested_at timestamptz not null default now(),
    checked_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_payouts_paid check (
        (status = 'paid') = (paid_at is not null) and (status = 'paid') = (stripe_transfer_id is not null)
    ),
    constraint ck_payouts_refused check ((status = 'refused') = (refusal is not null))
);
-- Whoever decides at the same time: an affiliate waits for one at a time.
create unique index uq_payouts_open on payouts (affiliate_id, currency) where status <> 'paid';
create index idx_payouts_affiliate on payouts (affiliate_id, created_at, id);
create index idx_payouts_created on payouts (created_at, id);
create index idx_payouts_pending on payouts (checked_at) where status = 'pending';

create table payout_items (
    id bigint generated always as identity primary key,
    payout_id bigint not null references payouts (id),
    payment_id bigint not null references payments (id),
    payment_version bigint not null,
    amount_cents bigint not null check (amount_cents <> 0),
    created_at timestamptz not null default now(),
    constraint uq_payout_items_payment unique (payment_id, payment_version)
);
create index idx_payout_items_payout on payout_items (payout_id);
revoke update, delete, truncate on payout_items from payments;

alter table journals add column payout_id bigint references payouts (id);
alter table journals add constraint ck_journals_about check (num_nonnulls(payment_id, payout_id) = 1);
create index idx_journals_payout on journals (payout_id) where payout_id is not null;
""")
