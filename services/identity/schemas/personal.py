"""Exports and erasures: what is asked and shown."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import Field

from shared.http import Body, View
from shared.provision import SERVICES

from ..domain.erasure import Erasure, ErasureReceipt, ErasureStatus
from ..domain.export import Export, ExportPart, ExportStatus
from .fields import Password, Secret

AS_FILE = {"Content-Disposition": 'attachment; filename="mobile-detail-hub.json"'}


class ExportView(View):
    """`missing` are the services that have not told yet; `path` is where a ready one is fetched."""

    status: ExportStatus
    requested_at: datetime
    missing: list[str]
    ready_at: datetime | None
    expires_at: datetime
    path: str | None

    @classmethod
    def of(cls, export: Export, missing: Iterable[str]) -> Self:
        return cls(
            status=export.status,
            requested_at=export.created_at,
            missing=sorted(missing),
            ready_at=export.ready_at,
            expires_at=export.expires_at,
            path="/identity/v1/me/export/archive" if export.status is ExportStatus.READY else None,
        )


class ArchiveView(View):
    """By service, by table: the rows about this person."""

    user_id: int
    customer_id: int | None
    requested_at: datetime
    services: dict[str, dict[str, list[dict[str, Any]]]]

    @classmethod
    def of(cls, export: Export, parts: Sequence[ExportPart]) -> Self:
        services: dict[str, dict[str, list[dict[str, Any]]]] = {service: {} for service in SERVICES}
        for part in parts:
            for table, rows in json.loads(part.data).items():
                services[part.service].setdefault(table, []).extend(rows)
        return cls(
            user_id=export.user_id,
            customer_id=export.customer_id,
            requested_at=export.created_at,
            services=services,
        )


class LinkRequest(Body):
    """`token` is what the link in the mail has."""

    token: Secret = Field(repr=False)


class ErasureRequest(Body):
    password: Password = Field(repr=False)


class StartedErasureView(View):
    """Keep `secret`: with it as `token`, `POST /identity/v1/erasures/look-up` shows how the erasure stands."""

    secret: str
    due_at: datetime


class ReceiptView(View):
    """So many rows of each table were erased."""

    service: str
    erased_at: datetime
    counts: dict[str, int]


class ErasureView(View):
    """`due_at`: when the services are asked, or asked again; null once it is done. `booking_live_until`: a booking is
    live, and the erasure waits for its end."""

    status: ErasureStatus
    requested_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    booking_live_until: datetime | None
    missing: list[str]
    receipts: list[ReceiptView]

    @classmethod
    def of(cls, erasure: Erasure, receipts: Sequence[ErasureReceipt]) -> Self:
        there = [ReceiptView(service=r.service, erased_at=r.created_at, counts=r.counts) for r in receipts]
        return cls(
            status=erasure.status,
            requested_at=erasure.created_at,
            due_at=None if erasure.done_at else erasure.due_at,
            done_at=erasure.done_at,
            booking_live_until=erasure.booking_live_until,
            missing=[service for service in SERVICES if service not in {r.service for r in receipts}],
            receipts=there,
        )
