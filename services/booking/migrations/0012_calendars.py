"""Calendars of others that keep crews busy; addresses of our own that others subscribe to."""

from shared.migrations import platform

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table external_calendars (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint not null,
    crew_id bigint not null references crews (id),
    name varchar(100) not null,
    url varchar(2000) not null,
    status varchar(50) not null default 'waiting' check (status in ('waiting', 'ok', 'failing')),
    error varchar(50) check (error in (
        'no_answer', 'forbidden_address', 'too_many_redirects', 'refused', 'too_slow', 'too_large', 'not_a_calendar',
        'too_much'
    )),
    failures bigint not null default 0 check (failures >= 0),
    tried_at timestamptz,
    fetched_at timestamptz,
    read_until timestamptz,
    etag varchar(200),
    last_modified varchar(200),
    next_fetch_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_external_calendars_error check ((error is not null) = (status = 'failing'))
);
create index idx_external_calendars_affiliate on external_calendars (affiliate_id);
create index idx_external_calendars_due on external_calendars (next_fetch_at);

create table external_busy (
    id bigint generated always as identity primary key,
    calendar_id bigint not null references external_calendars (id) on delete cascade,
    crew_id bigint not null references crews (id),
    during tstzrange not null,
    created_at timestamptz not null default now(),
    -- An empty range, or one with an open end, would keep nothing, or everything.
    constraint ck_external_busy_during check (
        not isempty(during) and lower_inc(during) and not upper_inc(during)
        and not lower_inf(during) and not upper_inf(during)
    )
);
create index idx_external_busy_crew on external_busy using gist (crew_id, during);
create index idx_external_busy_calendar on external_busy (calendar_id);

create table calendar_feeds (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    customer_id bigint,
    affiliate_id bigint,
    crew_id bigint references crews (id),
    token_hash bytea not null constraint uq_calendar_feeds_token_hash unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_calendar_feeds_whose unique nulls not distinct (customer_id, affiliate_id, crew_id),
    constraint ck_calendar_feeds_whose check (
        (customer_id is null) <> (affiliate_id is null) and (crew_id is null or affiliate_id is not null)
    )
);
""")
