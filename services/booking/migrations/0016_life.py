"""What becomes of an appointment beyond being confirmed: requests, the day of the job, nobody at the door.

Bookings that were made before promise no fee for that.
"""

from shared.migrations import platform

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table bookings drop constraint bookings_status_check;
alter table bookings add constraint ck_bookings_status check (status in (
    'requested', 'held', 'confirmed', 'en_route', 'in_progress', 'completed', 'cancelled', 'expired', 'declined',
    'no_show'
));
alter table bookings add constraint bookings_no_overlap_on_the_day exclude using gist (crew_id with =, blocked with &&)
    where (status in ('held', 'confirmed', 'en_route', 'in_progress'));
alter table bookings drop constraint bookings_no_overlap;
alter table bookings rename constraint bookings_no_overlap_on_the_day to bookings_no_overlap;

alter table bookings
    add column no_show_fee_cents bigint not null default 0,
    add column eta timestamptz,
    add column started_at timestamptz,
    add column completed_at timestamptz,
    add column photo_urls text[] not null default '{}' constraint ck_bookings_photos
        check (cardinality(photo_urls) <= 10),
    add column notes varchar(2000);
alter table bookings add constraint ck_bookings_no_show_fee check (no_show_fee_cents between 0 and price_cents);
""")
