"""Exports and erasures."""

from shared.migrations import platform

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_erasure("identity")
    platform.run("""
create table exports (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    user_id bigint not null references users (id),
    customer_id bigint,
    status varchar(50) not null,
    secret varchar(43),
    ready_at timestamptz,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_exports_status check (status in ('gathering', 'ready', 'over')),
    constraint ck_exports_secret check ((status = 'ready') = (secret is not null)),
    constraint uq_exports_secret unique (secret)
);
create unique index exports_one_at_a_time on exports (user_id) where status in ('gathering', 'ready');
create index idx_exports_expires on exports (expires_at) where status in ('gathering', 'ready');

create table export_parts (
    id bigint generated always as identity primary key,
    export_id bigint not null references exports (id) on delete cascade,
    service varchar(50) not null,
    part bigint not null,
    parts bigint not null,
    data text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_export_parts_part check (part between 1 and parts),
    constraint uq_export_parts_part unique (export_id, service, part)
);

create table erasures (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    user_id bigint not null references users (id),
    customer_id bigint,
    secret_hash bytea not null,
    status varchar(50) not null,
    due_at timestamptz not null,
    asked_at timestamptz,
    done_at timestamptz,
    booking_live_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_erasures_status check (status in ('waiting', 'erasing', 'done')),
    constraint ck_erasures_done check ((status = 'done') = (done_at is not null)),
    constraint ck_erasures_secret check (octet_length(secret_hash) = 32),
    constraint uq_erasures_secret unique (secret_hash),
    constraint uq_erasures_user unique (user_id)
);
create index idx_erasures_due on erasures (due_at) where status <> 'done';

create table erasure_receipts (
    id bigint generated always as identity primary key,
    erasure_id bigint not null references erasures (id),
    service varchar(50) not null,
    counts jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_erasure_receipts_service unique (erasure_id, service)
);

create table live_bookings (
    booking_id bigint primary key,
    version bigint not null,
    customer_id bigint not null,
    status varchar(50) not null,
    appointment_end timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_live_bookings_customer on live_bookings (customer_id) where status in ('held', 'confirmed');
create index idx_live_bookings_end on live_bookings (appointment_end);
""")
