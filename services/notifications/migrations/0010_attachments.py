"""What comes along with a mail, until it is sent."""

from shared.migrations import platform

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("alter table communications add column attachment jsonb check (jsonb_typeof(attachment) = 'object');")
