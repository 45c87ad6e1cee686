"""Every event, and the numbers of each day."""

from shared.migrations import platform

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.create("analytics")
    platform.run("""
create table analytics_events (
    id bigint generated always as identity primary key,
    event_id uuid not null constraint uq_analytics_events_event_id unique,
    event_name varchar(100) not null,
    user_id bigint,
    session_id varchar(255),
    properties jsonb not null default '{}',
    occurred_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index idx_analytics_events_occurred on analytics_events (occurred_at);

-- Rows are updated all day long: room in each page keeps those updates out of the indexes.
create table business_metrics (
    id bigint generated always as identity primary key,
    metric_name varchar(100) not null,
    metric_date date not null,
    dimensions jsonb not null default '{}',
    metric_value numeric not null,
    recorded_at timestamptz not null,
    affiliate_id bigint generated always as ((dimensions ->> 'affiliate_id')::bigint) stored,
    currency varchar(3) generated always as (dimensions ->> 'currency') stored,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_business_metrics_day unique (metric_name, metric_date, dimensions)
) with (fillfactor = 70);
create index idx_business_metrics_affiliate on business_metrics (affiliate_id, metric_name, metric_date);
create index idx_business_metrics_date on business_metrics (metric_date);
""")
