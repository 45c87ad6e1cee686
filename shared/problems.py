"""Every refusal and every failure as application/problem+json (RFC 9457), with the request's id to ask support with."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from shared.context import cause
from shared.db import away, sqlstate
from shared.errors import Busy, ChangedMeanwhile, Overloaded, Refusal

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
CONTENDED = {"40P01", "40001", "55P03"}  # deadlock, serialization failure, lock timeout
# Not encodable, too long, number or date out of range, not of the column's type, no character of the database's.
UNSTORABLE = {"22000", "22001", "22003", "22008", "22021", "22P02", "22P05"}
MAX_NAME = 100  # characters shown of a field's name, which the client chose

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/slot-taken"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def problem(
    request: Request,
    *,
    code: str,
    title: str,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Response:
    """`facts` are a refusal's own members; those of RFC 9457 cannot be overridden by them."""
    body = {
        **jsonable_encoder(facts or {}),
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": cause().correlation_id,
    }
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    log.info("request.refused", refusal=refusal.code)
    return problem(
        request, code=refusal.code, title=refusal.title, status=refusal.status, detail=refusal.detail,
        headers=refusal.headers, facts=refusal.facts,
    )  # fmt: skip


async def _invalid(request: Request, error: Exception) -> Response:
    """Per-field errors; what was sent is not echoed."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {
            "field": (".".join(str(part) for part in e["loc"][1:]) or str(e["loc"][0]))[:MAX_NAME],
            "in": e["loc"][0],
            "message": e["msg"],
        }
        for e in error.errors()[:20]
    ]
    return problem(
        request, code="invalid-request", title="Invalid request", status=422,
        detail="Some fields are missing, unknown or out of range; see errors.", facts={"errors": errors},
    )  # fmt: skip


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    titles = {404: "Not found", 405: "Method not allowed", 413: "Content too large", 400: "Bad request"}
    title = titles.get(error.status_code, "Error")
    return problem(
        request, code=title.lower().replace(" ", "-"), title=title, status=error.status_code, detail=str(error.detail),
        headers=dict(error.headers or {}),
    )  # fmt: skip


async def _database(request: Request, error: Exception) -> Response:
    """Contention is the caller's to repeat, an absent database ours to admit, anything else a fault."""
    state = sqlstate(error)
    if state in CONTENDED:
        return await _refused(request, Busy())
    if away(error):
        log.warning("database.away", error=repr(error))
        return await _refused(request, Overloaded())
    if state in UNSTORABLE:
        log.warning("request.unstorable", error=repr(error.__cause__))
        return await _invalid(
            request, RequestValidationError([{"loc": ("body",), "msg": "has a value that cannot be stored"}])
        )
    return failed(request, error)


async def _stale(request: Request, _error: Exception) -> Response:
    return await _refused(request, ChangedMeanwhile())


def failed(request: Request, error: Exception) -> Response:
    """The last resort of `shared.app`, where the request's id is still known."""
    log.error("request.failed", exc_info=error)
    return problem(
        request, code="internal-error", title="Internal error", status=500,
        detail="Something went wrong on our side. Nothing was changed; the request id helps us find it.",
    )  # fmt: skip


def answer_problems(app: FastAPI) -> None:
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeout, _database)
    app.add_exception_handler(OSError, _database)
    app.add_exception_handler(StaleDataError, _stale)
