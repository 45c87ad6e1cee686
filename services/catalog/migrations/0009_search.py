"""The read model of the search, and the copy of others' facts that it takes in."""

from shared.migrations import platform

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create extension if not exists pg_trgm;  -- trusted: whoever owns the database may

create table free_days (
    affiliate_id bigint primary key,
    version bigint not null,
    days date[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- No foreign keys: rows follow from events, which may come in any order, and can be made again from them.
create table search_affiliates (
    affiliate_id bigint primary key,
    version bigint not null default 0,
    listed boolean not null default false,
    name varchar(200) not null default '',
    slug varchar(100) not null default '',
    city varchar(200) not null default '',
    state varchar(50) not null default '',
    zip varchar(10) not null default '',
    timezone varchar(64) not null default '',
    latitude double precision not null default 0,
    longitude double precision not null default 0,
    service_radius_m bigint not null default 0,
    service_zips varchar(10)[] not null default '{}',
    south double precision not null default 0,
    north double precision not null default 0,
    west double precision not null default 0,
    east double precision not null default 0,
    rating_hundredths bigint,
    review_count bigint not null default 0,
    rules_version bigint not null default 0,
    rules jsonb not null,
    free_days date[] not null default '{}',
    categories varchar(50)[] not null default '{}',
    lowest_cents bigint,
    prices bigint[] not null default '{}',
    offered text not null default '',
    described text not null default '',
    document tsvector not null generated always as (
        setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', offered), 'B')
        || setweight(to_tsvector('english', left(described, 20000)), 'D')) stored,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
-- Who comes to a place: the boxes around their radius that hold it, and the zip codes that they name.
create index idx_search_affiliates_reach on search_affiliates
    using gist (box(point(west, south), point(east, north))) where listed;
create index idx_search_affiliates_zips on search_affiliates using gin (service_zips) where listed;

create table search_offers (
    service_id bigint primary key,
    affiliate_id bigint not null,
    version bigint not null default 0,
    listed boolean not null default false,
    category varchar(50) not null default '',
    name varchar(200) not null default '',
    description varchar(2000) not null default '',
    tiers jsonb not null default '[]',
    lowest_cents bigint,
    prices bigint[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_search_offers_affiliate on search_offers (affiliate_id, category);
""")
