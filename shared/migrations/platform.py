"""The tables that every service has, made by each service's first migration: `platform.create("booking")`."""

from typing import Any

from alembic import op

TABLES = """
create table business_events (
    id bigint generated always as identity primary key,
    event_id uuid not null unique,
    type varchar(100) not null,
    aggregate_type varchar(50) not null,
    aggregate_id bigint not null,
    aggregate_version bigint not null,
    payload jsonb not null,
    actor varchar(100) not null,
    correlation_id varchar(100) not null,
    causation_id varchar(100),
    trace jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint uq_business_events_aggregate unique (aggregate_type, aggregate_id, aggregate_version)
);
create index idx_business_events_type_created on business_events (type, created_at);

create table outbox (
    id bigint generated always as identity primary key,
    business_event_id bigint not null references business_events (id),
    created_at timestamptz not null default now()
);

create function enqueue_business_event() returns trigger language plpgsql as $$
begin
    insert into outbox (business_event_id) select id from recorded order by id;
    perform pg_notify('outbox', '');
    return null;
end $$;
create trigger enqueue_business_event after insert on business_events
    referencing new table as recorded for each statement execute function enqueue_business_event();

create table inbox (
    consumer varchar(150) not null,
    event_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (consumer, event_id)
);
create index idx_inbox_created on inbox (created_at);

create table idempotency_keys (
    owner varchar(100) not null,
    key varchar(255) not null,
    request_hash char(64) not null,
    status int not null,
    headers jsonb not null,
    body bytea not null,
    created_at timestamptz not null default now(),
    primary key (owner, key)
);
create index idx_idempotency_keys_created on idempotency_keys (created_at);

create table jobs (
    name varchar(100) primary key,
    next_run_at timestamptz not null default now()
);

create table job_runs (
    id bigint generated always as identity primary key,
    job varchar(100) not null,
    outcome varchar(20) not null check (outcome in ('done', 'failed')),
    error text,
    started_at timestamptz not null,
    finished_at timestamptz not null default now()
);
create index idx_job_runs_job_started on job_runs (job, started_at);

create table tasks (
    id bigint generated always as identity primary key,
    name varchar(100) not null,
    arguments jsonb not null,
    due_at timestamptz not null default now(),
    tries int not null default 0,
    failed boolean not null default false,
    last_error text,
    correlation_id varchar(100) not null,
    created_at timestamptz not null default now()
);
create index idx_tasks_due on tasks (due_at) where not failed;

create function wake_tasks() returns trigger language plpgsql as $$
begin
    perform pg_notify('tasks', '');
    return null;
end $$;
create trigger wake_tasks after insert on tasks for each statement execute function wake_tasks();
"""


# Since revision "people": keys to what is personal in the trail, and whose tokens end before their time.
PEOPLE = """
create table person_keys (
    person varchar(50) primary key check (person ~ '^(user|customer):[1-9][0-9]*$'),
    key bytea not null check (octet_length(key) = 32),
    created_at timestamptz not null default now()
);
alter table business_events add column person varchar(50);
alter table business_events add column sealed bytea;
alter table business_events add constraint ck_business_events_sealed check ((person is null) = (sealed is null));

create table token_cutoffs (
    subject varchar(100) primary key,
    ends_before timestamptz not null,
    created_at timestamptz not null default now()
);
create index idx_token_cutoffs_created on token_cutoffs (created_at);
"""

# Since revision "erasure": who was erased. Nothing that comes later makes them a key, or brings them back.
ERASED = """
create table erased_people (
    person varchar(50) primary key check (person ~ '^(user|customer):[1-9][0-9]*$'),
    created_at timestamptz not null default now()
);
"""

# Since revision "causes": because of what a call is made.
CAUSES = """
alter table tasks add column causation_id varchar(100);
alter table tasks add column actor varchar(100);
"""


# Of catalog's `mdh_config` and of every copy.
TYPED_CONFIG = """
alter table {table}
    add column commission_rates jsonb not null default '[]' check (jsonb_typeof(commission_rates) = 'array'),
    add column cancellation_policies jsonb not null default '[]' check (jsonb_typeof(cancellation_policies) = 'array'),
    add column deposit jsonb check (jsonb_typeof(deposit) = 'object'),
    add column tips_allowed boolean not null default true,
    add column max_open_holds bigint not null default 3 check (max_open_holds between 1 and 20),
    add column features jsonb not null default '{{}}' check (jsonb_typeof(features) = 'object');
"""

# Of both, since revision "ways to pay".
PAYMENT_MODES = """
alter table {table}
    add column payment_modes jsonb not null default '["full"]' check (jsonb_typeof(payment_modes) = 'array');
"""

# Since revision "config": catalog's configuration. Booking had a copy of its own before, which stays.
CONFIG = """
create table if not exists platform_config (
    config_id bigint primary key check (config_id = 1),
    version bigint not null,
    currency char(3) not null,
    commission_bp bigint not null check (commission_bp between 0 and 10000),
    hold_minutes bigint not null check (hold_minutes between 1 and 1440),
    lead_minutes bigint not null check (lead_minutes >= 0),
    horizon_days bigint not null check (horizon_days between 1 and 730),
    free_cancellation_hours bigint not null check (free_cancellation_hours >= 0),
    late_cancellation_fee_bp bigint not null check (late_cancellation_fee_bp between 0 and 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
""" + TYPED_CONFIG.format(table="platform_config")


def run(script: str) -> None:
    """Run a script of several statements in the migration's transaction (`op.execute` takes one at a time)."""
    bind = op.get_bind()
    bind.exec_driver_sql("select 1")  # the driver opens the transaction with its first statement, not with the script
    adapted: Any = bind.connection.dbapi_connection
    adapted.run_async(lambda connection: connection.execute(script))


def create(service: str) -> None:
    """Make the platform's tables; the service's role gets rows, and may only add to the audit trail."""
    run(TABLES)
    op.execute(f"revoke update, delete, truncate on business_events from {service}")


def add_people() -> None:
    """Deployable while the code before it runs: only what is new to it is added."""
    run(PEOPLE)


def add_erasure(service: str) -> None:
    """The service's role adds to it and reads it: nobody who was erased becomes unerased."""
    run(ERASED)
    op.execute(f"revoke update, delete, truncate on erased_people from {service}")


def add_causes() -> None:
    run(CAUSES)


def add_config() -> None:
    run(CONFIG)


def add_payment_modes() -> None:
    run(PAYMENT_MODES.format(table="platform_config"))
