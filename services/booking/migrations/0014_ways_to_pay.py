"""How a booking is paid."""

from shared.migrations import platform

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_payment_modes()
    platform.run("""
alter table affiliates add column payment_mode varchar(50);
alter table bookings add column payment_mode varchar(50) not null default 'full';
alter table bookings add constraint ck_bookings_payment_mode check (payment_mode in ('full', 'on_site'));
""")
