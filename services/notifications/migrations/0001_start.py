"""Notifications, communications, and local copies of whom and what they are about."""

from shared.migrations import platform

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.create("notifications")
    platform.run("""
create table contacts (
    user_id bigint primary key,
    version bigint not null,
    customer_id bigint,
    email varchar(320) not null,
    full_name varchar(200) not null,
    locale varchar(35) not null,
    timezone varchar(64) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_contacts_customer on contacts (customer_id);

create table affiliates (
    affiliate_id bigint primary key,
    version bigint not null,
    owner_user_id bigint not null,
    name varchar(200) not null,
    application_status varchar(50) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table affiliate_members (
    affiliate_user_id bigint primary key,
    version bigint not null,
    affiliate_id bigint not null,
    user_id bigint not null,
    role varchar(50) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_affiliate_members_affiliate on affiliate_members (affiliate_id);

create table bookings (
    booking_id bigint primary key,
    version bigint not null,
    customer_id bigint not null,
    affiliate_id bigint not null,
    status varchar(50) not null,
    service_name varchar(200) not null,
    appointment_start timestamptz not null,
    appointment_end timestamptz not null,
    timezone varchar(64) not null,
    hold_expires_at timestamptz,
    reminded_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_bookings_to_remind on bookings (appointment_start) where status = 'confirmed' and reminded_at is null;

create table notifications (
    id bigint generated always as identity primary key,
    user_id bigint not null,
    type varchar(50) not null,
    title varchar(255) not null,
    message text not null,
    data jsonb not null default '{}',
    is_read boolean not null default false,
    cause varchar(150) not null,
    cause_event_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_notifications_cause unique (cause, user_id, type)
);
create index idx_notifications_user_created on notifications (user_id, created_at, id);
create index idx_notifications_unread on notifications (user_id, created_at, id) where not is_read;

create table communications (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    from_user_id bigint,
    to_user_id bigint,
    type varchar(50) not null check (type in ('email', 'sms', 'in_app')),
    notice varchar(50) not null,
    subject varchar(255) not null,
    content text not null,
    status varchar(50) not null check (status in ('queued', 'sent', 'skipped', 'failed')),
    sent_at timestamptz,
    booking_id bigint,
    affiliate_id bigint,
    appointment_start timestamptz,
    cause varchar(150) not null,
    cause_event_id uuid,
    message_id varchar(255) unique,
    attempts bigint not null default 0 check (attempts >= 0),
    error varchar(500),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_communications_cause unique (cause, to_user_id, notice, type),
    constraint ck_communications_sent check ((status = 'sent') = (sent_at is not null))
);
create index idx_communications_user_created on communications (to_user_id, created_at, id);
create index idx_communications_created on communications (created_at, id);

create table waiting_notices (
    id bigint generated always as identity primary key,
    waits_for varchar(50) not null,
    notice jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_waiting_notices_waits_for on waiting_notices (waits_for);
""")
