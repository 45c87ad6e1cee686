"""In what the provider's books and ours differ."""

from datetime import datetime

from pydantic import Field

from shared.http import Body, Id, Sentence, View

from ..domain.comparison import Kind
from ..domain.discrepancy import DiscrepancyStatus


class Assignment(Body):
    """Without `user_id` whoever asks takes it."""

    user_id: Id | None = None


class Decision(Body):
    reason: Sentence


class DiscrepancyView(View):
    """`about` is what was compared (`payment:5`, `payout:7`, `entry:9`), `subject` what of it differs."""

    id: int
    version: int
    kind: Kind
    subject: str
    about: str
    provider_says: str
    we_say: str
    status: DiscrepancyStatus
    owner: str | None = Field(description="who sees to it: a user's id, or a name from the command line")
    note: str | None = Field(description="why it is right, or how it ended")
    found_at: datetime
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime
