"""Mail to an address that is nobody's contact (yet), and secrets, which are kept until the mail is out."""

from shared.migrations import platform

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table communications add column to_email varchar(320);
alter table communications add column to_name varchar(200);
alter table communications add column secret varchar(500);
alter table communications add column expires_at timestamptz;
alter table communications add constraint ck_communications_kept
    check (status = 'queued' or (to_email is null and to_name is null and secret is null));
-- A mail to an address that is nobody's is unique too.
alter table communications drop constraint uq_communications_cause;
alter table communications add constraint uq_communications_cause
    unique nulls not distinct (cause, to_user_id, notice, type);
""")
