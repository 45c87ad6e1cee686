"""Bookings of which the price is held on a card until they are done, and what a late end of them costs."""

from shared.migrations import platform

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table bookings drop constraint ck_bookings_payment_mode;
alter table bookings
    add column fee_cents bigint not null default 0 constraint ck_bookings_fee check (fee_cents >= 0),
    add constraint ck_bookings_payment_mode check (payment_mode in ('full', 'deposit', 'authorise', 'on_site'));
""")
