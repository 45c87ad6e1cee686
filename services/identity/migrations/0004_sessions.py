"""Sessions as their owners see them."""

from shared.migrations import platform

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table refresh_tokens add column version bigint not null default 1;
""")
