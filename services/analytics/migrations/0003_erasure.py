"""Who was erased; events by the user that they are about."""

from shared.migrations import platform

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_erasure("analytics")
    platform.run("create index idx_analytics_events_user on analytics_events (user_id) where user_id is not null;")
