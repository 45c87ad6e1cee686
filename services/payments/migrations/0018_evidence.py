"""How many of the reminders that evidence is due were given, of each dispute."""

from shared.migrations import platform

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table disputes add column reminders int not null default 0 check (reminders >= 0);
create index idx_disputes_evidence_due on disputes (evidence_due_by) where status in ('inquiry', 'needs_response');
""")
