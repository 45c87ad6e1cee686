"""Addresses, vehicles and consents of customers."""

from shared.migrations import platform

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table customer_addresses (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    customer_id bigint not null references customers (id),
    label varchar(50) not null,
    line1 varchar(200) not null,
    line2 varchar(200),
    city varchar(100) not null,
    state varchar(2) not null,
    zip varchar(5) not null,
    latitude double precision not null,
    longitude double precision not null,
    access_notes varchar(2000),
    is_default boolean not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_customer_addresses_zip check (zip ~ '^[0-9]{5}$'),
    constraint ck_customer_addresses_latitude check (latitude between -90 and 90),
    constraint ck_customer_addresses_longitude check (longitude between -180 and 180)
);
create index idx_customer_addresses_customer on customer_addresses (customer_id, created_at, id);
create unique index customer_addresses_one_default on customer_addresses (customer_id) where is_default;

create table vehicles (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    customer_id bigint not null references customers (id),
    year bigint not null,
    make varchar(60) not null,
    model varchar(60) not null,
    color varchar(40),
    size_class varchar(50) not null,
    license_plate varchar(20),
    condition_notes varchar(2000),
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_vehicles_year check (year between 1900 and 2200),
    constraint ck_vehicles_size_class check (size_class in ('compact', 'sedan', 'coupe', 'wagon', 'suv', 'large_suv',
        'truck', 'minivan', 'van', 'motorcycle', 'rv'))
);
create index idx_vehicles_customer on vehicles (customer_id, created_at, id) where deleted_at is null;

create table marketing_consents (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    customer_id bigint not null,
    email boolean not null default false,
    sms boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint marketing_consents_customer_id_fkey foreign key (customer_id) references customers (id),
    constraint marketing_consents_once unique (customer_id)
);

-- What was said when, by whom and to which words: nobody takes it back. Only where it came from can be blotted out.
create table consent_changes (
    id bigint generated always as identity primary key,
    customer_id bigint not null references customers (id),
    channel varchar(50) not null,
    granted boolean not null,
    wording varchar(50),
    address varchar(45),
    user_agent varchar(200),
    created_at timestamptz not null default now(),
    constraint ck_consent_changes_channel check (channel in ('email', 'sms')),
    constraint ck_consent_changes_wording check (wording is not null or not granted)
);
create index idx_consent_changes_customer on consent_changes (customer_id, created_at, id);
revoke update, delete, truncate on consent_changes from identity;
grant update (address, user_agent) on consent_changes to identity;
""")
