"""Reviews, the ratings they come to, and a local copy of what booking owns."""

from shared.migrations import platform

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.create("reviews")
    platform.run("""
create table bookings (
    booking_id bigint primary key,
    version bigint not null,
    customer_id bigint not null,
    affiliate_id bigint not null,
    status varchar(50) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table reviews (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    booking_id bigint not null,
    customer_id bigint not null,
    affiliate_id bigint not null,
    rating bigint not null constraint ck_reviews_rating check (rating between 1 and 5),
    comment varchar(2000) not null default '',
    source varchar(50) not null default 'mdh',
    create_time timestamptz not null default now(),
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index uq_reviews_booking_id on reviews (booking_id) where deleted_at is null;
create index idx_reviews_affiliate_rating on reviews (affiliate_id, rating);
create index idx_reviews_created_time on reviews (create_time);
-- The public list: an affiliate's reviews, newest first, page by page.
create index idx_reviews_affiliate_created on reviews (affiliate_id, create_time, id) where deleted_at is null;

create table affiliate_ratings (
    id bigint generated always as identity primary key,
    version bigint not null,
    affiliate_id bigint not null constraint uq_affiliate_ratings_affiliate_id unique,
    rating_sum bigint not null,
    review_count bigint not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_affiliate_ratings_sum check (rating_sum between review_count and 5 * review_count)
);
""")
