"""Idempotency-Key: the same request sent again gets the same answer, byte for byte, and has no second effect.

The answer is stored in the transaction of the effect. Refusals are not stored: they had no effect and are judged anew.
A key belongs to the one who sent it, for 72 hours (docs/decisions/0005).
"""

import hashlib
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from sqlalchemy import String, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from shared.auth import Actor, CurrentActor
from shared.clock import now
from shared.db import Session, enforced_by
from shared.errors import Conflict, Unprocessable
from shared.outbox import PlatformBase

HEADERS = ("content-type", "etag", "location")


class RequestInFlight(Conflict):
    """A request with this Idempotency-Key is being worked on. Send it again in a moment."""

    headers = {"Retry-After": "1"}  # noqa: RUF012


class IdempotencyKeyReused(Unprocessable):
    """This Idempotency-Key was used for another request. A new request takes a new key."""


class IdempotencyKey(PlatformBase, kw_only=True):
    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


_LOCKED = select(
    func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("lock", type_=String), 0)).label("mine")
).subquery()
_STORED = IdempotencyKey.__table__
_OF_KEY = (_STORED.c.owner == bindparam("owner")) & (_STORED.c.key == bindparam("key"))
_ANSWER = (_STORED.c.request_hash, _STORED.c.status, _STORED.c.headers, _STORED.c.body)
# Built once: building it for each request would cost more than sending it.
STORE = insert(_STORED)  # type: ignore[arg-type]
STORED_OR_LOCKED = select(_LOCKED.c.mine, *_ANSWER).select_from(_LOCKED.outerjoin(_STORED, _OF_KEY))


class AlreadyAnswered(Exception):
    def __init__(self, stored: Any) -> None:
        self.stored = stored

    def response(self) -> Response:
        headers = {**self.stored.headers, "Idempotent-Replayed": "true"}
        return Response(self.stored.body, self.stored.status, headers=headers)


async def _once(
    request: Request,
    session: Session,
    actor: CurrentActor,
    key: Annotated[
        str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
    ] = None,
) -> None:
    if key is None:
        return
    asked = await _hash(request)
    stored = await _stored_or_locked(session, actor, key)
    if stored is None:
        request.state.idempotency = (session, actor.subject, key, asked)
    elif stored.request_hash != asked:
        raise IdempotencyKeyReused
    else:
        raise AlreadyAnswered(stored)


Idempotent = Depends(_once)


async def _hash(request: Request) -> str:
    told = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    return hashlib.sha256(told).hexdigest()


async def _stored_or_locked(session: AsyncSession, actor: Actor, key: str) -> Any:
    """The stored answer, or None with this key locked until the transaction ends; one statement."""
    owner = actor.subject
    sought = {"lock": f"idempotency {owner} {key}", "owner": owner, "key": key}
    found = (await session.execute(STORED_OR_LOCKED, sought)).one()
    if found.status is None and not found.mine:
        raise RequestInFlight
    return found if found.status is not None else None


async def keep(request: Request, response: Response) -> None:
    """Store the answer beside its effect, in the transaction that is still open; does nothing without a key."""
    pending = getattr(request.state, "idempotency", None)
    if pending is None or response.status_code >= 400:
        return
    session, owner, key, asked = pending
    headers = {name: response.headers[name] for name in HEADERS if name in response.headers}
    answer = {
        "owner": owner,
        "key": key,
        "request_hash": asked,
        "status": response.status_code,
        "headers": headers,
        "body": bytes(response.body),
        "created_at": now(),
    }
    # The other request with this key may have ended between this one's look for its answer and its lock.
    with enforced_by("idempotency_keys_pkey", RequestInFlight):
        await session.execute(STORE, answer)
