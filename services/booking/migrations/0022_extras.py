"""Several vehicles in one appointment, extras at the door, and until when a crew may arrive.

Bookings that were made before say nothing of their vehicles but the size and condition of the first.
"""

from shared.migrations import platform

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table bookings
    add column vehicles jsonb not null default '[]',
    add column vehicle varchar(2100) not null default '',
    add column arrival_window_minutes bigint not null default 0,
    add column extras jsonb not null default '[]',
    add column extra_minutes bigint not null default 0;
alter table bookings add constraint ck_bookings_arrival_window check (arrival_window_minutes between 0 and 480);
alter table bookings add constraint ck_bookings_extra_minutes check (extra_minutes between 0 and 480);
""")
