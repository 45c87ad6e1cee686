"""In whose name customers want their papers, and in whose name each was issued."""

from shared.migrations import platform

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table billing_names (
    customer_id bigint primary key,
    name varchar(200) not null,
    address jsonb not null default '[]' check (jsonb_typeof(address) = 'array'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- Beside the papers, which never change: it goes when its customer is erased.
create table invoice_names (
    invoice_id bigint primary key references invoices (id),
    customer_id bigint not null,
    lines jsonb not null check (jsonb_typeof(lines) = 'array'),
    created_at timestamptz not null default now()
);
create index idx_invoice_names_customer on invoice_names (customer_id);
""")
