"""Copies of price lists and promotions; what a booking's price was made of.

A tier is of no category until catalog tells of its offer again. Bookings that were made before have no lines.
"""

from shared.migrations import platform

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table price_lists (
    affiliate_id bigint primary key,
    version bigint not null,
    rules jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table promotions (
    promotion_id bigint primary key,
    version bigint not null,
    code varchar(50) not null,
    affiliate_id bigint,
    promotion jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_promotions_code on promotions (code);

alter table tiers add column category varchar(50) not null default '';
alter table tiers add column size_prices jsonb not null default '[]';

alter table bookings add column lines jsonb not null default '[]';
alter table bookings add column tax_cents bigint not null default 0;
alter table bookings add column size_class varchar(50);
alter table bookings add column condition varchar(50);
alter table bookings add column promotion_id bigint;
alter table bookings add constraint ck_bookings_tax check (tax_cents between 0 and price_cents);
-- Says how often a promotion was used, and by whom, without a look at the bookings themselves.
create index idx_bookings_promotion on bookings (promotion_id, customer_id) include (status, hold_expires_at)
    where promotion_id is not null;
""")
