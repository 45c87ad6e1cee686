"""Refunds that staff ask for, and who decided about them."""

from shared.migrations import platform

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table refund_requests (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    payment_id bigint not null references payments (id),
    amount_cents bigint not null check (amount_cents > 0),
    reason varchar(2000) not null,
    two_persons boolean not null,
    asked_by bigint not null,
    status varchar(50) not null default 'waiting' check (status in ('waiting', 'approved', 'declined')),
    decided_by bigint,
    decided_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_refund_requests_decided check ((decided_at is null) = (status = 'waiting')),
    -- Whatever the code does: nobody is the second person of their own request, and none passes without one.
    constraint ck_refund_requests_two_persons check (
        decided_by <> asked_by and (not two_persons or (decided_by is null) = (status = 'waiting'))
    )
);
create index idx_refund_requests_payment on refund_requests (payment_id);
create index idx_refund_requests_created on refund_requests (created_at, id);
create index idx_refund_requests_waiting on refund_requests (created_at, id) where status = 'waiting';
""")
