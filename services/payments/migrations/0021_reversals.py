"""What comes back of payouts: taken back by us for a debt that nothing sets off, or by somebody at the provider."""

from shared.migrations import platform

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table payouts add column reversed_cents bigint not null default 0;
alter table payouts
    add constraint ck_payouts_reversed check (
        reversed_cents between 0 and amount_cents and (status = 'reversed') = (reversed_cents = amount_cents)
    ),
    drop constraint payouts_status_check,
    add constraint payouts_status_check check (status in ('pending', 'paid', 'refused', 'reversed')),
    drop constraint ck_payouts_paid,
    add constraint ck_payouts_paid check (
        (status in ('paid', 'reversed')) = (paid_at is not null)
        and (status in ('paid', 'reversed')) = (stripe_transfer_id is not null)
    );
create unique index uq_payouts_under_way on payouts (affiliate_id, currency) where status in ('pending', 'refused');
drop index uq_payouts_open;

create table payout_reversals (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    payout_id bigint not null references payouts (id),
    payment_id bigint not null references payments (id),
    amount_cents bigint not null check (amount_cents > 0),
    status varchar(50) not null default 'pending' check (status in ('pending', 'done', 'refused')),
    refusal varchar(200),
    stripe_reversal_id text,
    reference uuid not null constraint uq_payout_reversals_reference unique,
    idempotency_key text not null constraint uq_payout_reversals_idempotency_key unique,
    attempt bigint not null default 1 check (attempt >= 1),
    requested_at timestamptz not null default now(),
    checked_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_payout_reversals_stripe unique (stripe_reversal_id, payment_id),
    constraint ck_payout_reversals_done check ((status = 'done') = (stripe_reversal_id is not null)),
    constraint ck_payout_reversals_refused check ((status = 'refused') = (refusal is not null))
);
create index idx_payout_reversals_payout on payout_reversals (payout_id);
create index idx_payout_reversals_payment on payout_reversals (payment_id);
create index idx_payout_reversals_pending on payout_reversals (checked_at) where status = 'pending';
""")
