"""Which payments beyond the first a booking has counted."""

from shared.migrations import platform

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table counted_payments (
    payment_id bigint primary key,
    booking_id bigint not null references bookings (id),
    amount_cents bigint not null check (amount_cents > 0),
    created_at timestamptz not null default now()
);
create index idx_counted_payments_booking on counted_payments (booking_id);
revoke update, delete, truncate on counted_payments from booking;
""")
