"""How often somebody may try."""

from shared.migrations import platform

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
-- What of an allowance is used up. Unlogged: a crash may forget it, and it is in no backup. Who is meant is hashed.
create unlogged table attempts (
    name varchar(50) not null,
    key bytea not null constraint ck_attempts_key check (octet_length(key) = 32),
    used int not null constraint ck_attempts_used check (used > 0),
    most int not null constraint ck_attempts_most check (most > 0),
    lasts interval not null,
    longest interval not null,
    strikes int not null default 0,
    renews_at timestamptz not null,
    forgotten_at timestamptz not null,
    forgiven_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pk_attempts primary key (name, key)
) with (fillfactor = 70);

-- An IPv6 address is one of the many that a household has: its first 64 bits count. Null for what is no address.
create function network_of(address text) returns inet language plpgsql immutable strict as $$
begin
    return network(set_masklen(address::inet, case family(address::inet) when 6 then 64 else 32 end));
exception when invalid_text_representation then
    return null;
end $$;
-- From where somebody has signed in: the first token of each session, which replaces none.
create index idx_refresh_tokens_signed_in on refresh_tokens (user_id, network_of(address), created_at)
    where replaces_id is null;
""")
