"""The steps of an affiliate, and what an application says."""

from shared.migrations import platform

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table affiliates
    add column applied_by bigint,
    add column approved_at timestamptz,
    drop constraint affiliates_application_status_check,
    add constraint affiliates_application_status_check check (application_status in (
        'submitted', 'in_review', 'changes_requested', 'approved', 'rejected', 'suspended', 'closed'));
update affiliates set applied_by = owner_user_id;
update affiliates set approved_at = updated_at where application_status in ('approved', 'suspended');

-- Code of before writes no applied_by.
drop index affiliates_one_open_application;
create unique index affiliates_one_open_application on affiliates (coalesce(applied_by, owner_user_id))
    where application_status in ('submitted', 'in_review', 'changes_requested') and deleted_at is null;

create table affiliate_steps (
    id bigint generated always as identity primary key,
    affiliate_id bigint not null references affiliates (id),
    from_status varchar(50) check (from_status in (
        'submitted', 'in_review', 'changes_requested', 'approved', 'rejected', 'suspended', 'closed')),
    to_status varchar(50) not null check (to_status in (
        'submitted', 'in_review', 'changes_requested', 'approved', 'rejected', 'suspended', 'closed')),
    changed_by bigint,
    reason varchar(2000),
    created_at timestamptz not null default now()
);
create index idx_affiliate_steps_affiliate on affiliate_steps (affiliate_id, created_at, id);
revoke update, delete, truncate on affiliate_steps from catalog;
-- What was said of an application that came to nothing goes with the one who applied.
grant update (reason) on affiliate_steps to catalog;
""")
