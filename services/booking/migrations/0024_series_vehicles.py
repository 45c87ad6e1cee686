"""A series of several vehicles, and with a promotion code.

Series that were begun before say nothing of their vehicles but what is known of the one.
"""

from shared.migrations import platform

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table series
    add column vehicles jsonb not null default '[]',
    add column vehicle varchar(2100) not null default '',
    add column promotion_id bigint;
create index idx_series_paused on series (last_on) where status = 'paused';
""")
