"""A service with routes that do what a test needs, built by the platform as every service is."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from pydantic import Field
from sqlalchemy import text

from shared.app import build
from shared.auth import CurrentActor
from shared.db import Database, ReadSession, Session
from shared.errors import Conflict
from shared.http import Body
from shared.http import router as new_router
from shared.idempotency import Idempotent
from shared.settings import Profile, Role, Settings

AT = "/booking/v1/probe"

router = new_router("booking", "probe", "/probe")


class Anything(Body):
    free: dict[str, Any] = Field(default_factory=dict)
    name: str = "x"
    number: int = 1


class Outweighed(Conflict):
    """Something weighs more."""


@router.post("/anything", response_model=Anything)
async def anything(wanted: Anything, session: Session) -> Anything:
    """Stores what it is sent with no check of its own."""
    note = text("insert into crews (affiliate_id, name) values (:number, :name)")
    await session.execute(note, {"number": wanted.number, "name": wanted.name})
    return wanted


@router.get("/outweighed", response_model=None)
async def outweighed() -> None:
    raise Outweighed(by=Decimal("1.5"))


@router.get("/broken", response_model=None)
async def broken() -> None:
    raise RuntimeError("secret detail")


@router.get("/read", response_model=int)
async def read(session: ReadSession) -> int:
    return await session.scalar(text("select 1")) or 0


@router.get("/sleep", response_model=str)
async def sleep(session: Session, seconds: float) -> str:
    await session.execute(text("insert into crews (affiliate_id, name) values (1, 'slept')"))
    await session.execute(text("select pg_sleep(:seconds)"), {"seconds": seconds})
    return "slept"


@router.get("/crews", response_model=list[str])
async def crews(session: ReadSession) -> list[str]:
    return list(await session.scalars(text("select name from crews")))


@router.post("/nothing", status_code=204, response_class=Response, dependencies=[Idempotent])
async def nothing(actor: CurrentActor, session: ReadSession) -> Response:
    await session.execute(text("insert into crews (affiliate_id, name) values (1, 'nothing')"))
    return Response(status_code=204, headers={"ETag": '"7"'})


def probe(database: Database, jwks: Path) -> FastAPI:
    settings = Settings(profile=Profile.TEST, role=Role.API, database_url=database.url, jwks_file=jwks)
    app = build("booking", settings, routers=[router])
    app.state.database = database
    return app
