"""Affiliates, services, tiers, categories, the platform's configuration and its history."""

from shared.migrations import platform

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.create("catalog")
    platform.run("""
create table affiliates (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    owner_user_id bigint not null,
    name varchar(200) not null,
    slug varchar(100) not null,
    email varchar(254) not null,
    phone varchar(40),
    street varchar(200),
    city varchar(200) not null,
    state varchar(50) not null,
    zip varchar(10) not null,
    latitude double precision not null check (latitude between -90 and 90),
    longitude double precision not null check (longitude between -180 and 180),
    timezone varchar(64) not null,
    service_radius_m bigint not null check (service_radius_m between 1000 and 200000),
    application_status varchar(50) not null default 'submitted'
        check (application_status in ('submitted', 'in_review', 'approved', 'rejected', 'suspended')),
    rejection_reason varchar(2000),
    rating numeric(3, 2) check (rating between 0 and 5),
    review_count bigint not null default 0 check (review_count >= 0),
    rating_version bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint uq_affiliates_slug unique (slug)
);
create index idx_affiliates_status_rating on affiliates (application_status, rating);
create index idx_affiliates_location on affiliates (city, state, zip);
create index idx_affiliates_position on affiliates (latitude, longitude);
create index idx_affiliates_owner on affiliates (owner_user_id);
create unique index affiliates_one_open_application on affiliates (owner_user_id)
    where application_status in ('submitted', 'in_review') and deleted_at is null;

create table categories (
    slug varchar(50) primary key,
    name varchar(100) not null,
    position bigint not null,
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
insert into categories (slug, name, position) values
    ('exterior', 'Exterior', 1),
    ('interior', 'Interior', 2),
    ('full', 'Full detail', 3),
    ('ceramic', 'Ceramic coating', 4),
    ('paint_correction', 'Paint correction', 5);

create table services (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint not null references affiliates (id),
    category varchar(50) not null,
    name varchar(200) not null,
    description varchar(2000) not null,
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint fk_services_category foreign key (category) references categories (slug)
);
create index idx_services_category_active on services (category, active);
create index idx_services_affiliate_category on services (affiliate_id, category);

create table service_tiers (
    id bigint generated always as identity primary key,
    service_id bigint not null references services (id),
    name varchar(200) not null,
    price_cents bigint not null check (price_cents between 1 and 10000000),
    duration_minutes bigint not null check (duration_minutes between 15 and 1440),
    included jsonb not null default '[]' check (jsonb_typeof(included) = 'array'),
    position bigint not null,
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index idx_service_tiers_service on service_tiers (service_id);

create table mdh_config (
    id bigint primary key check (id = 1),
    version bigint not null default 1,
    currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
    commission_bp bigint not null check (commission_bp between 0 and 10000),
    hold_minutes bigint not null check (hold_minutes between 1 and 1440),
    lead_minutes bigint not null check (lead_minutes between 0 and 43200),
    horizon_days bigint not null check (horizon_days between 1 and 730),
    free_cancellation_hours bigint not null check (free_cancellation_hours between 0 and 720),
    late_cancellation_fee_bp bigint not null check (late_cancellation_fee_bp between 0 and 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_mdh_config_window check (lead_minutes < horizon_days * 1440)
);
-- The job announce_config tells the other services of this row, once.
insert into mdh_config (id, currency, commission_bp, hold_minutes, lead_minutes, horizon_days,
    free_cancellation_hours, late_cancellation_fee_bp)
values (1, 'USD', 1500, 10, 120, 60, 24, 5000);

create table mdh_config_history (
    id bigint generated always as identity primary key,
    version bigint not null unique,
    changed_by bigint,
    changes jsonb not null,
    created_at timestamptz not null default now()
);
insert into mdh_config_history (version, changes) values (1, '{}');
revoke update, delete, truncate on mdh_config_history from catalog;
""")
