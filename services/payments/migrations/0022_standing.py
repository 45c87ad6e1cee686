"""Whether payouts of an affiliate are held; of several tips that were paid, those that go back; whose webhooks are."""

from shared.migrations import platform

revision = "0022"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table payout_accounts
    add column affiliate_status varchar(50),
    add column held_because varchar(2000);
create index idx_payout_accounts_held on payout_accounts (created_at, id) where held_because is not null;

alter table payments add column surplus boolean not null default false,
    add constraint ck_payments_surplus check (not surplus or purpose = 'tip');
update payments set surplus = true, updated_at = updated_at where purpose = 'tip'
    and exists (select from refunds where payment_id = payments.id and cause = 'tip:' || payments.id);

create index idx_webhooks_customer on webhooks ((payload #>> '{data,object,customer}'))
    where payload #>> '{data,object,customer}' is not null;
""")
