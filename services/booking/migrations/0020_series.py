"""Series: a customer has the same done every so many weeks."""

from shared.migrations import platform

revision = "0020"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table series (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    customer_id bigint not null,
    affiliate_id bigint not null,
    service_id bigint not null,
    tier_id bigint not null,
    service_name varchar(200) not null,
    tier_name varchar(200) not null,
    status varchar(50) not null constraint ck_series_status check (status in ('active', 'paused', 'ended')),
    every_weeks bigint not null constraint ck_series_every_weeks check (every_weeks between 1 and 12),
    first_on date not null,
    last_on date,
    minute bigint not null constraint ck_series_minute check (minute between 0 and 1439),
    timezone varchar(64) not null,
    address varchar(200) not null,
    zip varchar(10) not null,
    size_class varchar(50) not null,
    condition varchar(50) not null,
    add_on_ids bigint[] not null,
    price_cents bigint not null constraint ck_series_price check (price_cents >= 0),
    currency char(3) not null,
    active_since timestamptz not null,
    paused_by varchar(50) constraint ck_series_paused_by check (paused_by in ('customer', 'unpaid', 'affiliate')),
    ended_by varchar(50) constraint ck_series_ended_by check (ended_by in ('customer', 'affiliate', 'platform')),
    end_reason varchar(2000),
    followed_by_id bigint constraint fk_series_followed_by_id references series (id),
    next_on date,
    due_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_series_paused check ((status = 'paused') = (paused_by is not null)),
    constraint ck_series_ended check ((status = 'ended') = (ended_by is not null)),
    constraint ck_series_next check (next_on >= first_on and (last_on is null or next_on <= last_on))
);
create index idx_series_customer on series (customer_id, created_at);
create index idx_series_affiliate on series (affiliate_id, created_at);
create index idx_series_due on series (due_at) where status = 'active';

create table series_visits (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    series_id bigint not null constraint fk_series_visits_series_id references series (id),
    on_date date not null,
    status varchar(50) not null constraint ck_series_visits_status check (status in ('booked', 'missed', 'skipped')),
    booking_id bigint constraint fk_series_visits_booking_id references bookings (id),
    price_cents bigint,
    reason varchar(50),
    other_times timestamptz[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- Whoever comes twice to a day of a series finds it seen to.
    constraint uq_series_visits_day unique (series_id, on_date),
    constraint ck_series_visits_booked check (status <> 'booked' or booking_id is not null)
);
create index idx_series_visits_booking on series_visits (booking_id) where booking_id is not null;

alter table bookings add column series_id bigint constraint fk_bookings_series_id references series (id);
create index idx_bookings_series on bookings (series_id) where series_id is not null;
""")
