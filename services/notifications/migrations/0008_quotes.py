"""How far quotes are, and which one a message is about, so that nobody is told what is over."""

from shared.migrations import platform

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table quotes (
    quote_id bigint primary key,
    version bigint not null,
    customer_id bigint not null,
    affiliate_id bigint not null,
    status varchar(50) not null,
    valid_until timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index idx_quotes_customer on quotes (customer_id);
alter table communications add column quote_id bigint, add column quote_version bigint;
""")
