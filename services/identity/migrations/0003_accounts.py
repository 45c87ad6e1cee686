"""Whose address is verified, and the links by which somebody shows that they read an address."""

from shared.migrations import platform

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The code before this one opens accounts that can be used at once: while it runs, those are verified."""
    platform.run("""
alter table users add column email_verified_at timestamptz default now();
update users set email_verified_at = created_at;
create index idx_users_unverified on users (created_at) where email_verified_at is null;

create table address_proofs (
    id bigint generated always as identity primary key,
    version bigint not null default 1,
    user_id bigint not null,
    purpose varchar(50) not null,
    email varchar(254) not null,
    token_hash bytea,
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint fk_address_proofs_user_id foreign key (user_id) references users (id) on delete cascade,
    constraint ck_address_proofs_purpose
        check (purpose in ('registration', 'password_reset', 'email_change', 'known_address')),
    constraint ck_address_proofs_token_hash check (octet_length(token_hash) = 32),
    constraint ck_address_proofs_known_address check (purpose <> 'known_address' or token_hash is null),
    -- One of each kind: whoever asks again gets a new secret, and the old one is gone.
    constraint uq_address_proofs_purpose unique (user_id, purpose),
    constraint uq_address_proofs_token_hash unique (token_hash)
);
""")
