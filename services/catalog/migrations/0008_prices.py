"""Price lists, add-ons, promotion codes."""

from shared.migrations import platform

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SIZES = (
    "'compact', 'sedan', 'coupe', 'wagon', 'suv', 'large_suv', 'truck', 'minivan', 'van', 'motorcycle', 'rv'"  # as then
)


def upgrade() -> None:
    platform.run(f"""
create table price_lists (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint not null references affiliates (id),
    minimum_cents bigint not null check (minimum_cents between 50 and 10000000),
    tax_ppm bigint not null check (tax_ppm between 0 and 300000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_price_lists_affiliate_id unique (affiliate_id)
);

create table size_multipliers (
    price_list_id bigint not null references price_lists (id),
    size_class varchar(50) not null check (size_class in ({SIZES})),
    multiplier_bp bigint not null check (multiplier_bp between 5000 and 50000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (price_list_id, size_class)
);

create table condition_multipliers (
    price_list_id bigint not null references price_lists (id),
    condition varchar(50) not null check (condition in ('clean', 'normal', 'dirty', 'very_dirty')),
    multiplier_bp bigint not null check (multiplier_bp between 5000 and 50000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (price_list_id, condition)
);

create table travel_bands (
    price_list_id bigint not null references price_lists (id),
    up_to_m bigint not null check (up_to_m between 1 and 200000),
    -- What could not be paid by itself is not asked for: a price is nothing or can be paid.
    fee_cents bigint not null check (fee_cents = 0 or fee_cents between 50 and 1000000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (price_list_id, up_to_m)
);

create table add_ons (
    id bigint generated always as identity primary key,
    price_list_id bigint not null references price_lists (id),
    name varchar(200) not null,
    price_cents bigint not null check (price_cents between 0 and 1000000),
    duration_minutes bigint not null check (duration_minutes between 0 and 1440),
    position bigint not null check (position between 0 and 1000),
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index idx_add_ons_price_list on add_ons (price_list_id, position, id);

create table add_on_categories (
    add_on_id bigint not null references add_ons (id),
    category varchar(50) not null,
    created_at timestamptz not null default now(),
    primary key (add_on_id, category),
    constraint fk_add_on_categories_category foreign key (category) references categories (slug)
);

create table promotions (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint references affiliates (id),
    code varchar(32) not null check (code ~ '^[A-Z0-9][A-Z0-9-]{{1,30}}[A-Z0-9]$'),
    percent_bp bigint check (percent_bp between 1 and 10000),
    amount_cents bigint check (amount_cents between 1 and 10000000),
    starts_at timestamptz not null,
    ends_at timestamptz,
    max_uses bigint check (max_uses between 1 and 10000000),
    max_uses_per_customer bigint check (max_uses_per_customer between 1 and 10000000),
    active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_promotions_takes_off check (num_nonnulls(percent_bp, amount_cents) = 1),
    constraint ck_promotions_window check (ends_at > starts_at),
    -- Of an affiliate, or of the platform: what a code meant once it means for good.
    constraint uq_promotions_code unique nulls not distinct (affiliate_id, code)
);

create table promotion_categories (
    promotion_id bigint not null references promotions (id),
    category varchar(50) not null,
    created_at timestamptz not null default now(),
    primary key (promotion_id, category),
    constraint fk_promotion_categories_category foreign key (category) references categories (slug)
);

create table promotion_uses (
    booking_id bigint primary key,
    version bigint not null,
    promotion_id bigint not null references promotions (id),
    customer_id bigint not null,
    counts boolean not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_promotion_uses_counted on promotion_uses (promotion_id, customer_id) where counts;
""")
