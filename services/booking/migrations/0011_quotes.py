"""Quotes, what is said about them, and which booking came of which."""

from shared.migrations import platform

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table quotes (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    request_id uuid not null,
    customer_id bigint not null,
    affiliate_id bigint not null,
    service_id bigint not null,
    tier_id bigint not null,
    service_name varchar(200) not null,
    tier_name varchar(200) not null,
    status varchar(50) not null constraint ck_quotes_status check (
        status in ('requested', 'priced', 'accepted', 'declined', 'withdrawn', 'closed', 'expired')
    ),
    size_class varchar(50) not null,
    condition varchar(50) not null,
    vehicle varchar(200) not null,
    photo_urls text[] not null constraint ck_quotes_photos check (cardinality(photo_urls) <= 10),
    address varchar(200) not null,
    zip varchar(10) not null,
    wished_times timestamptz[] not null constraint ck_quotes_wishes check (cardinality(wished_times) <= 10),
    budget_cents bigint constraint ck_quotes_budget check (budget_cents >= 0),
    description varchar(2000) not null,
    currency char(3) not null,
    valid_until timestamptz not null,
    lines jsonb not null default '[]',
    price_cents bigint constraint ck_quotes_price check (price_cents between 50 and 99999999),
    tax_cents bigint not null default 0,
    duration_minutes bigint constraint ck_quotes_duration check (duration_minutes between 1 and 1440),
    note varchar(2000) not null default '',
    reason varchar(2000),
    booking_id bigint constraint fk_quotes_booking_id references bookings (id),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_quotes_asked_once unique (request_id, affiliate_id),
    constraint ck_quotes_tax check (tax_cents between 0 and coalesce(price_cents, 0)),
    constraint ck_quotes_priced check (
        (price_cents is null) = (duration_minutes is null)
        and (price_cents is not null or status not in ('priced', 'accepted'))
    ),
    constraint ck_quotes_booked check ((status = 'accepted') = (booking_id is not null))
);
-- Of those that were asked for together, one is accepted.
create unique index uq_quotes_one_accepted on quotes (request_id) where status = 'accepted';
create index idx_quotes_customer_created on quotes (customer_id, created_at);
create index idx_quotes_affiliate_status on quotes (affiliate_id, status);
create index idx_quotes_expiry on quotes (valid_until) where status in ('requested', 'priced');
create index idx_quotes_booking on quotes (booking_id) where booking_id is not null;

create table quote_messages (
    id bigint generated always as identity primary key,
    quote_id bigint not null constraint fk_quote_messages_quote_id references quotes (id),
    customer_id bigint not null,
    author varchar(50) not null constraint ck_quote_messages_author check (author in ('customer', 'affiliate')),
    author_user_id bigint,
    body varchar(2000) not null,
    created_at timestamptz not null default now()
);
create index idx_quote_messages_quote on quote_messages (quote_id, created_at, id);
create index idx_quote_messages_customer on quote_messages (customer_id);

alter table bookings add column quote_id bigint constraint fk_bookings_quote_id references quotes (id);
create index idx_bookings_quote on bookings (quote_id) where quote_id is not null;
""")
