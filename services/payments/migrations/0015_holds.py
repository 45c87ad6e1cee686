"""Money that is authorised now and taken when the job is done; saved cards to authorise it on; fees of late ends."""

from shared.migrations import platform

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table payments
    add column intent_kind varchar(50) not null default 'charge'
        constraint ck_payments_intent_kind check (intent_kind in ('charge', 'hold', 'setup')),
    add column stripe_setup_intent_id text constraint uq_payments_stripe_setup_intent_id unique,
    add column capture_before timestamptz,
    add column visit_start timestamptz,
    add column visit_end timestamptz,
    add constraint ck_payments_visit
        check (intent_kind = 'charge' or (visit_start is not null and visit_end is not null));
alter table payments drop constraint ck_payments_status, drop constraint ck_payments_purpose,
    drop constraint ck_payments_intent;
alter table payments
    add constraint ck_payments_status check (status in (
        'pending', 'requires_payment', 'card_saved', 'authorised', 'releasing', 'capturing', 'captured', 'refunded',
        'failed', 'cancelling', 'cancelled', 'on_site', 'paid_on_site'
    )),
    add constraint ck_payments_purpose check (purpose in ('booking', 'rest', 'extra', 'tip', 'fee')),
    add constraint ck_payments_intent check (
        status not in ('requires_payment', 'authorised', 'releasing', 'capturing')
        or coalesce(stripe_payment_intent_id, stripe_setup_intent_id) is not null
    );
drop index idx_payments_open;
create index idx_payments_open on payments (checked_at)
    where status in ('requires_payment', 'cancelling', 'capturing', 'releasing');
create index idx_payments_saved on payments (visit_start) where status = 'card_saved';
create index idx_payments_held on payments (capture_before) where status = 'authorised';

create table former_intents (
    id bigint generated always as identity primary key,
    payment_id bigint not null references payments (id),
    stripe_payment_intent_id text not null constraint uq_former_intents_stripe_payment_intent_id unique,
    created_at timestamptz not null default now()
);
create index idx_former_intents_payment on former_intents (payment_id);

-- When it is: kept from the first event on that tells of a change.
alter table bookings
    add column appointment_start timestamptz,
    add column appointment_end timestamptz;
""")
