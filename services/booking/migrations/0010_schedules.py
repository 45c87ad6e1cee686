"""How an affiliate may be booked: crews with limits, windows of one crew or of some places, exceptions, settings.

The previous code goes on: to it every window is one of all crews, and exceptions are not there.
"""

from shared.migrations import platform

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table schedule_settings (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint not null constraint uq_schedule_settings_affiliate_id unique,
    slot_interval_minutes bigint not null default 30,
    lead_minutes bigint,
    horizon_days bigint,
    request_to_book boolean not null default false,
    arrival_window_minutes bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_schedule_settings_slot_interval check (
        slot_interval_minutes between 5 and 240 and 1440 % slot_interval_minutes = 0
    ),
    constraint ck_schedule_settings_lead check (lead_minutes between 0 and 525600),
    constraint ck_schedule_settings_horizon check (horizon_days between 1 and 730),
    constraint ck_schedule_settings_arrival_window check (arrival_window_minutes between 0 and 480)
);

alter table crews
    add column version bigint not null default 1,
    add column buffer_before_minutes bigint not null default 0
        constraint ck_crews_buffer_before check (buffer_before_minutes between 0 and 1440),
    add column start_zip varchar(10),
    add column end_zip varchar(10),
    add column max_jobs_per_day bigint constraint ck_crews_max_jobs check (max_jobs_per_day between 1 and 100),
    add column max_minutes_per_day bigint
        constraint ck_crews_max_minutes check (max_minutes_per_day between 1 and 1440);

alter table availability
    add column crew_id bigint references crews (id),
    add column zips varchar(10)[] not null default '{}',
    add column near_zip varchar(10),
    add column near_radius_m bigint,
    add constraint ck_availability_near check (
        (near_zip is null) = (near_radius_m is null) and near_radius_m between 1 and 1000000
    );
-- A window of all crews (null) has an open range here, and so overlaps those of each of them.
alter table availability drop constraint availability_no_overlap;
alter table availability add constraint availability_no_overlap exclude using gist (
    affiliate_id with =, weekday with =, int8range(crew_id, crew_id, '[]') with &&,
    int8range(opens_minute, closes_minute) with &&
);

create table availability_exceptions (
    id bigint generated always as identity primary key,
    affiliate_id bigint not null,
    crew_id bigint references crews (id),
    kind varchar(50) not null check (kind in ('closed', 'extra_hours', 'vacation')),
    first_day date not null,
    last_day date not null,
    from_minute bigint not null,
    to_minute bigint not null,
    note varchar(200) not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_availability_exceptions_days check (first_day <= last_day and last_day - first_day < 366),
    constraint ck_availability_exceptions_minutes check (
        from_minute >= 0 and to_minute <= 1440 and from_minute < to_minute
        and (kind <> 'vacation' or to_minute - from_minute = 1440)
    ),
    constraint availability_exceptions_no_overlap exclude using gist (
        affiliate_id with =, coalesce(crew_id, 0) with =, kind with =, daterange(first_day, last_day, '[]') with &&,
        int8range(from_minute, to_minute) with &&
    )
);
create index idx_availability_exceptions_affiliate on availability_exceptions (affiliate_id, last_day);
""")
