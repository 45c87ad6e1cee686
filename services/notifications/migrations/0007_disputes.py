"""How far disputes are, so that nobody is told what is over."""

from shared.migrations import platform

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.run("""
create table disputes (
    dispute_id bigint primary key,
    version bigint not null,
    status varchar(50) not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
""")
