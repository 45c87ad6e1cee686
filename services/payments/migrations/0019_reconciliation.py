"""The provider's own books as it tells them, which days were compared with ours, and where they differ."""

from shared.migrations import platform

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table provider_entries (
    id bigint generated always as identity primary key,
    stripe_id text not null constraint uq_provider_entries_stripe_id unique,
    type text not null,
    source_id text,
    intent_id text,
    reference uuid,
    amount_cents bigint not null,
    fee_cents bigint not null,
    currency char(3) not null,
    booked_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index idx_provider_entries_booked on provider_entries (booked_at);
create index idx_provider_entries_intent on provider_entries (intent_id);
create index idx_provider_entries_reference on provider_entries (reference);
create index idx_provider_entries_source on provider_entries (source_id);

create table reconciliations (
    id bigint generated always as identity primary key,
    day date not null constraint uq_reconciliations_day unique,
    entries bigint not null default 0,
    suspects bigint not null default 0,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table discrepancies (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    kind varchar(50) not null,
    subject varchar(200) not null,
    about varchar(200) not null,
    provider_says varchar(200) not null,
    we_say varchar(200) not null,
    status varchar(50) not null default 'open' check (status in ('open', 'explained', 'resolved')),
    owner varchar(200),
    note varchar(2000),
    found_at timestamptz not null default now(),
    closed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_discrepancies_kind_subject unique (kind, subject),
    constraint ck_discrepancies_closed check ((closed_at is not null) = (status = 'resolved'))
);
create index idx_discrepancies_about on discrepancies (about);
create index idx_discrepancies_open on discrepancies (id) where status <> 'resolved';
create index idx_payments_captured_at on payments (captured_at);
create index idx_refunds_updated on refunds (updated_at) where status = 'succeeded';
""")
