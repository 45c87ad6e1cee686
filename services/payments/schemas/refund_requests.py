"""Refunds that staff ask for."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StrictInt

from shared.http import Body, Sentence, View

from ..domain.refund_request import RequestStatus


class NewRefundRequest(Body):
    """`reason` is for the platform's staff alone."""

    amount_cents: Annotated[StrictInt, Field(ge=1, le=100_000_000, description="cents")]
    reason: Sentence


class RefundRequestView(View):
    """`two_persons`: above the limit, so another administrator than `asked_by` decides about it. Both are user ids."""

    id: int
    version: int
    payment_id: int
    amount_cents: int
    reason: str
    status: RequestStatus
    two_persons: bool
    asked_by: int
    decided_by: int | None
    decided_at: datetime | None
    created_at: datetime
    updated_at: datetime
