"""What is to be charged once a booking is done, of which a deposit was paid."""

from shared.migrations import platform

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table payments
    add column rest_cents bigint not null default 0,
    add column rest_commission_cents bigint not null default 0,
    add column rest_tax_cents bigint not null default 0;
alter table payments add constraint ck_payments_rest check (
    rest_cents >= 0 and rest_commission_cents >= 0 and rest_tax_cents >= 0
    and rest_commission_cents + rest_tax_cents <= rest_cents
);
""")
