"""Probes. Liveness knows no dependency. Readiness knows the database; the broker is told of but does not decide,
because the outbox absorbs its absence."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.http import View

router = APIRouter(include_in_schema=False)


class Health(View):
    status: Literal["ok", "degraded", "stopping", "unavailable"]
    broker: Literal["connected", "away", "not used"] = "not used"


@router.get("/health/live", response_model=Health)
async def live() -> Health:
    return Health(status="ok")


@router.get("/health/ready", response_model=Health)
async def ready(request: Request, response: Response) -> Health:
    state = request.app.state
    worker = getattr(state, "worker", None)
    known: Literal["connected", "away", "not used"] = (
        "not used" if worker is None else "connected" if worker.connected else "away"
    )
    if getattr(state, "stopping", False):
        response.status_code = 503
        return Health(status="stopping", broker=known)
    if not await state.database.answers():
        response.status_code = 503
        return Health(status="unavailable", broker=known)
    return Health(status="degraded" if known == "away" else "ok", broker=known)


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
