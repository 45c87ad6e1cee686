"""Disputes, and what they come to for each payment."""

from shared.migrations import platform

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table disputes (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    stripe_dispute_id text not null constraint uq_disputes_stripe_dispute_id unique,
    payment_id bigint not null references payments (id),
    booking_id bigint not null,
    customer_id bigint not null,
    affiliate_id bigint not null,
    currency char(3) not null,
    opened_at timestamptz not null,
    amount_cents bigint not null check (amount_cents >= 0),
    reason varchar(200) not null,
    status varchar(50) not null check (status in
        ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
    evidence_due_by timestamptz,
    withdrawn_cents bigint not null check (withdrawn_cents >= 0),
    fee_cents bigint not null check (fee_cents >= 0),
    checked_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_disputes_payment on disputes (payment_id);
create index idx_disputes_opened on disputes (opened_at, id);
create index idx_disputes_affiliate_opened on disputes (affiliate_id, opened_at, id);
create index idx_disputes_customer on disputes (customer_id);
create index idx_disputes_unsettled on disputes (checked_at)
    where not (status in ('won', 'lost', 'closed') and (status = 'lost' or withdrawn_cents = 0));

-- Beside what is refunded, and not bounded by it: a bank may take what is going back already.
alter table payments add column disputed_cents bigint not null default 0;
alter table payments add column withheld_cents bigint not null default 0;
alter table payments add column lost_cents bigint not null default 0;
alter table payments add column dispute_fees_cents bigint not null default 0;
alter table payments add constraint ck_payments_disputes check (
    disputed_cents >= withheld_cents and withheld_cents >= 0 and lost_cents >= 0 and dispute_fees_cents >= 0
);
create index idx_payments_disputed on payments (affiliate_id) where disputed_cents > 0;
""")
