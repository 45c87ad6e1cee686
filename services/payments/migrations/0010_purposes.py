"""Several payments of a booking, each for a purpose and because of one fact; what is known of bookings.

While the previous code still runs, what it inserts for a held booking is refused (`on conflict (booking_id)` finds no
constraint for all payments any more, and no partial index can stand in for it): the message comes again by the
platform's delays, and whoever runs the new code takes it. Everything else that it does goes on.
"""

from shared.migrations import platform

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table payments
    add column purpose varchar(50) not null default 'booking',
    add column cause varchar(200) not null default '';
update payments set cause = 'booking:' || booking_id, updated_at = updated_at;
alter table payments add constraint ck_payments_purpose check (purpose in ('booking', 'rest', 'extra', 'tip'));
create unique index uq_payments_booking on payments (booking_id) where purpose = 'booking';
alter table payments add constraint uq_payments_cause unique (booking_id, cause);
alter table payments drop constraint uq_payments_booking_id;

create table bookings (
    booking_id bigint primary key,
    version bigint not null,
    customer_id bigint not null,
    affiliate_id bigint not null,
    status varchar(50) not null,
    price_cents bigint not null,
    currency char(3) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_bookings_customer on bookings (customer_id);
""")
