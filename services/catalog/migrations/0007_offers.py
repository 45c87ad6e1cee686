"""Prices by vehicle size, photos, the order of services; categories that change."""

from shared.migrations import platform

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table services add column position bigint not null default 0;
update services set position = ordered.position from (
    select id, row_number() over (partition by affiliate_id order by category, id) - 1 as position from services
) as ordered where ordered.id = services.id;

create table tier_size_prices (
    id bigint generated always as identity primary key,
    tier_id bigint not null references service_tiers (id),
    size_class varchar(50) not null check (size_class in (
        'compact', 'sedan', 'coupe', 'wagon', 'suv', 'large_suv', 'truck', 'minivan', 'van', 'motorcycle', 'rv'
    )),
    price_cents bigint not null check (price_cents between 50 and 10000000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_tier_size_prices unique (tier_id, size_class)
);

create table service_photos (
    id bigint generated always as identity primary key,
    service_id bigint not null references services (id),
    position bigint not null check (position between 0 and 11),
    url varchar(500) not null check (url like 'https://%'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_service_photos unique (service_id, position)
);

alter table categories
    add column id bigint generated always as identity,
    add column version bigint not null default 1,
    add constraint uq_categories_id unique (id);
""")
