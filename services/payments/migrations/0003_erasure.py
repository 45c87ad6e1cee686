"""Who was erased; webhooks by the intent that they are about."""

from shared.migrations import platform

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_erasure("payments")
    platform.run("""
create index idx_webhooks_intent on webhooks
    ((coalesce(payload #>> '{data,object,payment_intent}', payload #>> '{data,object,id}')));
create index idx_webhooks_details on webhooks (handled_at) where payload <> '{}';
""")
