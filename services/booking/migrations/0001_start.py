"""Availability, bookings, and local copies of what catalog owns."""

from shared.migrations import platform

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.create("booking")
    platform.run("""
create table affiliates (
    affiliate_id bigint primary key,
    version bigint not null,
    name varchar(200) not null,
    application_status varchar(50) not null,
    timezone varchar(64) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table tiers (
    tier_id bigint primary key,
    version bigint not null,
    service_id bigint not null,
    affiliate_id bigint not null,
    service_name varchar(200) not null,
    tier_name varchar(200) not null,
    price_cents bigint not null check (price_cents >= 0),
    duration_minutes bigint not null check (duration_minutes between 1 and 1440),
    active boolean not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table platform_config (
    config_id bigint primary key check (config_id = 1),
    version bigint not null,
    currency char(3) not null,
    commission_bp bigint not null check (commission_bp between 0 and 10000),
    hold_minutes bigint not null check (hold_minutes between 1 and 1440),
    lead_minutes bigint not null check (lead_minutes >= 0),
    horizon_days bigint not null check (horizon_days between 1 and 730),
    free_cancellation_hours bigint not null check (free_cancellation_hours >= 0),
    late_cancellation_fee_bp bigint not null check (late_cancellation_fee_bp between 0 and 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table crews (
    id bigint generated always as identity primary key,
    affiliate_id bigint not null,
    name varchar(100) not null,
    buffer_minutes bigint not null default 30 check (buffer_minutes between 0 and 1440),
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_crews_affiliate on crews (affiliate_id);

create table availability (
    id bigint generated always as identity primary key,
    affiliate_id bigint not null,
    weekday bigint not null,
    opens_minute bigint not null,
    closes_minute bigint not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_availability_window check (
        weekday between 0 and 6 and opens_minute >= 0 and closes_minute <= 1440 and opens_minute < closes_minute
    ),
    constraint availability_no_overlap exclude using gist (
        affiliate_id with =, weekday with =, int8range(opens_minute, closes_minute) with &&
    )
);

create table bookings (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    customer_id bigint not null,
    affiliate_id bigint not null,
    crew_id bigint not null references crews (id),
    service_id bigint not null,
    tier_id bigint not null,
    service_name varchar(200) not null,
    tier_name varchar(200) not null,
    status varchar(50) not null check (status in ('held', 'confirmed', 'completed', 'cancelled', 'expired')),
    appointment_start timestamptz not null,
    appointment_end timestamptz not null,
    blocked tstzrange not null,
    timezone varchar(64) not null,
    address varchar(200) not null,
    zip varchar(10) not null,
    price_cents bigint not null check (price_cents >= 0),
    commission_cents bigint not null check (commission_cents between 0 and price_cents),
    currency char(3) not null,
    free_until timestamptz not null,
    late_fee_cents bigint not null check (late_fee_cents between 0 and price_cents),
    hold_expires_at timestamptz not null,
    paid_cents bigint not null default 0 check (paid_cents >= 0),
    refund_cents bigint not null default 0 check (refund_cents between 0 and paid_cents),
    cancelled_by varchar(20) check (cancelled_by in ('customer', 'affiliate', 'staff', 'platform')),
    cancel_reason varchar(2000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_bookings_times check (appointment_start < appointment_end),
    -- An empty range, or one with an open end, would slip past the exclusion constraint below.
    constraint ck_bookings_blocked check (
        not isempty(blocked) and lower_inc(blocked) and not upper_inc(blocked)
        and lower(blocked) <= appointment_start and upper(blocked) >= appointment_end
    ),
    constraint bookings_no_overlap exclude using gist (crew_id with =, blocked with &&)
        where (status in ('held', 'confirmed'))
);
create index idx_bookings_customer_status on bookings (customer_id, status);
create index idx_bookings_affiliate_date on bookings (affiliate_id, appointment_start);
create index idx_bookings_hold_expiry on bookings (hold_expires_at) where status = 'held';
""")
