"""Journals about what the provider keeps for itself of an entry of its books."""

from shared.migrations import platform

revision = "0020"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table provider_entries add column updated_at timestamptz not null default now();
alter table journals add column entry_id bigint references provider_entries (id);
alter table journals drop constraint ck_journals_about;
alter table journals add constraint ck_journals_about check (num_nonnulls(payment_id, payout_id, entry_id) = 1);
create index idx_journals_entry on journals (entry_id) where entry_id is not null;
""")
