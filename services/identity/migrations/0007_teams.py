"""Memberships that end, always one owner, invitations into affiliates' teams."""

from shared.migrations import platform

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
alter table affiliate_users add column removed_at timestamptz;
alter table affiliate_users add column joined_at timestamptz not null default now();
update affiliate_users set joined_at = created_at;
create index idx_affiliate_users_team on affiliate_users (affiliate_id, joined_at, id) where removed_at is null;

-- Looked at when the transaction ends, so that a hand-over may take its two steps in either order; one transaction of
-- a team at a time, so that two owners who remove each other do not both still see the other.
create function keep_one_owner() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('owners of ' || old.affiliate_id, 0));
    if not exists (
        select from affiliate_users
         where affiliate_id = old.affiliate_id and role = 'owner' and removed_at is null
    ) then
        raise exception 'affiliate % would be without an owner', old.affiliate_id
            using errcode = 'check_violation', constraint = 'affiliate_users_one_owner';
    end if;
    return null;
end $$;
create constraint trigger affiliate_users_one_owner after update on affiliate_users
    deferrable initially deferred for each row
    when (old.role = 'owner' and old.removed_at is null and (new.role <> 'owner' or new.removed_at is not null))
    execute function keep_one_owner();

create table invitations (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    affiliate_id bigint not null,
    email varchar(254) not null,
    role varchar(50) not null,
    invited_by bigint not null references users (id),
    status varchar(50) not null default 'open',
    secret_hash bytea not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_invitations_role check (role in ('owner', 'manager', 'technician')),
    constraint ck_invitations_status check (status in ('open', 'accepted', 'withdrawn', 'expired')),
    constraint ck_invitations_secret check (octet_length(secret_hash) = 32),
    constraint ck_invitations_expires check (expires_at > created_at),
    constraint invitations_secret_once unique (secret_hash)
);
create unique index invitations_one_open on invitations (affiliate_id, lower(email)) where status = 'open';
create index idx_invitations_team on invitations (affiliate_id, created_at, id);
create index idx_invitations_email on invitations (lower(email));
create index idx_invitations_invited_by on invitations (invited_by);
""")
