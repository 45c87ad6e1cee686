"""Tips that nobody has paid yet, by age."""

from shared.migrations import platform

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create index idx_payments_open_tips on payments (created_at)
    where purpose = 'tip' and status in ('pending', 'requires_payment', 'failed');
""")
