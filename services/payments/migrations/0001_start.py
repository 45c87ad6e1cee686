"""Payments, refunds, and what the provider told us."""

from shared.migrations import platform

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.create("payments")
    platform.run("""
create table payments (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    booking_id bigint not null constraint uq_payments_booking_id unique,
    customer_id bigint not null,
    affiliate_id bigint not null,
    amount_cents bigint not null check (amount_cents >= 0),
    commission_cents bigint not null check (commission_cents between 0 and amount_cents),
    currency char(3) not null,
    status varchar(50) not null default 'pending' check (status in
        ('pending', 'requires_payment', 'captured', 'refunded', 'failed', 'cancelling', 'cancelled')),
    captured_cents bigint not null default 0,
    refunds_due_cents bigint not null default 0,
    refunded_cents bigint not null default 0,
    stripe_payment_intent_id text constraint uq_payments_stripe_payment_intent_id unique,
    client_secret text,
    payment_method jsonb,
    declined_attempt text,
    decline_reason text,
    attention text,
    reference uuid not null constraint uq_payments_reference unique,
    idempotency_key text not null constraint uq_payments_idempotency_key unique,
    attempt bigint not null default 1 check (attempt >= 1),
    requested_at timestamptz not null default now(),
    checked_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_payments_captured check (captured_cents between 0 and amount_cents),
    constraint ck_payments_taken check (status in ('captured', 'refunded') or captured_cents = 0),
    -- However many refunds are decided at once: never more goes back than came.
    constraint ck_payments_refunds check (
        0 <= refunded_cents and refunded_cents <= refunds_due_cents and refunds_due_cents <= captured_cents
    ),
    constraint ck_payments_intent check (status <> 'requires_payment' or stripe_payment_intent_id is not null)
);
create index idx_payments_customer on payments (customer_id);
create index idx_payments_affiliate on payments (affiliate_id);
create index idx_payments_open on payments (checked_at) where status in ('requires_payment', 'cancelling');
create index idx_payments_attention on payments (id) where attention is not null;

create table refunds (
    id bigint generated always as identity primary key,
    payment_id bigint not null references payments (id),
    amount_cents bigint not null check (amount_cents > 0),
    reason varchar(2000) not null,
    cause varchar(200) not null constraint uq_refunds_cause unique,
    status varchar(50) not null default 'pending' check (status in ('pending', 'sent', 'succeeded', 'failed')),
    stripe_refund_id text constraint uq_refunds_stripe_refund_id unique,
    reference uuid not null constraint uq_refunds_reference unique,
    idempotency_key text not null constraint uq_refunds_idempotency_key unique,
    attempt bigint not null default 1 check (attempt >= 1),
    requested_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_refunds_payment on refunds (payment_id);
create index idx_refunds_sent on refunds (updated_at) where status = 'sent';

create table webhooks (
    id bigint generated always as identity primary key,
    event_id text not null constraint uq_webhooks_event_id unique,
    type text not null,
    payload jsonb not null,
    received_at timestamptz not null default now(),
    handled_at timestamptz,
    outcome varchar(50) check (outcome in ('done', 'known', 'ignored', 'foreign', 'parked')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_webhooks_handled check ((handled_at is null) = (outcome is null))
);
create index idx_webhooks_type_received on webhooks (type, received_at);
create index idx_webhooks_unsettled on webhooks (received_at) where outcome is null or outcome in ('foreign', 'parked');
""")
