"""Receipts, invoices and credit notes, the ranges of their numbers, and what is to be invoiced; affiliates' names."""

from shared.migrations import platform

revision = "0016"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table affiliates (
    affiliate_id bigint primary key,
    version bigint not null,
    name varchar(200) not null,
    city varchar(200) not null,
    state varchar(50) not null,
    zip varchar(20) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table bills (
    booking_id bigint primary key,
    customer_id bigint not null,
    affiliate_id bigint not null,
    subject varchar(500) not null,
    performed_on date not null,
    payment_mode varchar(50) not null,
    currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
    lines jsonb not null check (jsonb_typeof(lines) = 'array'),
    total_cents bigint not null check (total_cents > 0),
    tax_cents bigint not null check (tax_cents between 0 and total_cents),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_bills_customer on bills (customer_id);
create index idx_bills_created on bills (created_at);
create index idx_payments_captured on payments (captured_at);

-- `issuer_id` 0 is the platform. Whoever takes a number holds the row until their transaction has ended, so that one
-- which is rolled back takes none.
create table number_ranges (
    kind varchar(50) not null check (kind in ('receipt', 'invoice', 'credit_note')),
    issuer_id bigint not null check (issuer_id >= 0),
    year bigint not null check (year between 2000 and 2199),
    last bigint not null check (last >= 1),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (kind, issuer_id, year)
);

create function sum_of_lines(paper jsonb) returns numeric language sql immutable as $$
    select coalesce(sum((line ->> 'amount_cents')::numeric), 0) from jsonb_array_elements(paper -> 'lines') line
$$;

create table invoices (
    id bigint generated always as identity primary key,
    kind varchar(50) not null check (kind in ('receipt', 'invoice', 'credit_note')),
    issuer_id bigint not null check (issuer_id >= 0),
    year bigint not null,
    ordinal bigint not null check (ordinal >= 1),
    number varchar(50) not null constraint uq_invoices_number unique,
    cause varchar(200) not null constraint uq_invoices_cause unique,
    booking_id bigint not null,
    customer_id bigint not null,
    affiliate_id bigint not null,
    payment_id bigint references payments (id),
    refers_to bigint references invoices (id),
    currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
    total_cents bigint not null check (total_cents > 0),
    tax_cents bigint not null check (tax_cents between 0 and total_cents),
    paper jsonb not null,
    issued_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint uq_invoices_ordinal unique (kind, issuer_id, year, ordinal),
    constraint ck_invoices_kind check ((payment_id is not null) = (kind = 'receipt')),
    constraint ck_invoices_sum check (sum_of_lines(paper) = total_cents)
);
create index idx_invoices_booking on invoices (booking_id);
create index idx_invoices_customer on invoices (customer_id, issued_at, id);
create index idx_invoices_affiliate on invoices (affiliate_id, issued_at, id);
create index idx_invoices_issued on invoices (issued_at, id);

-- What is issued stays as it is, for the table's owner too.
create function stays_issued() returns trigger language plpgsql as $$
begin
    raise exception 'what is issued stays as it is' using errcode = 'insufficient_privilege';
end $$;
create trigger stays_issued before update or delete on invoices for each row execute function stays_issued();

revoke update, delete, truncate on invoices from payments;
""")
