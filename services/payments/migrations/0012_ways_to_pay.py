"""Payments that the affiliate takes at the door."""

from shared.migrations import platform

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_payment_modes()
    platform.run("""
alter table payments drop constraint payments_status_check;
alter table payments add constraint ck_payments_status check (status in (
    'pending', 'requires_payment', 'captured', 'refunded', 'failed', 'cancelling', 'cancelled', 'on_site',
    'paid_on_site'
));
alter table bookings add column payment_mode varchar(50) not null default 'full';
""")
