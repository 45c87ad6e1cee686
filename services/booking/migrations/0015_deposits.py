"""Bookings of which a part is paid at once, and the rest when they are done."""

from shared.migrations import platform

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table bookings drop constraint ck_bookings_payment_mode;
alter table bookings add column deposit_cents bigint;
alter table bookings add constraint ck_bookings_payment_mode check (payment_mode in ('full', 'deposit', 'on_site'));
alter table bookings add constraint ck_bookings_deposit check (
    (payment_mode = 'deposit') = (deposit_cents is not null) and deposit_cents between 1 and price_cents - 1
);
""")
