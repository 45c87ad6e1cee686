"""The pages that the mails about somebody's data lead to. They are no part of the API's document."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from shared.db import ReadSession
from shared.errors import Refusal
from shared.http import Route
from shared.http import router as new_router

from ..domain.erasure import NoSuchErasure
from ..domain.export import NoSuchExport
from ..pages import HEADERS, erasing, not_there, to_fetch
from ..queries.erasures import get_erasure, receipts_of
from ..queries.exports import get_ready_export, parts_of
from ..schemas.personal import AS_FILE, ArchiveView, ErasureView
from .pages import SECRET, read_form


class PersonalPageRoute(Route):
    """Refusals as pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as problem:
                return not_there(problem)

        return shown


router = new_router("identity", "pages", "/pages")
router.route_class = PersonalPageRoute


@router.get("/fetch-export", include_in_schema=False)
async def show_export(token: str = "") -> HTMLResponse:
    """Looks nothing up: mail scanners follow links, too."""
    return to_fetch(_secret(token, NoSuchExport))


@router.post("/fetch-export", include_in_schema=False)
async def fetch_export(request: Request, session: ReadSession) -> Response:
    """What the button does: the archive as a file."""
    form = await read_form(request)
    export = await get_ready_export(session, _secret(form.get("token", ""), NoSuchExport))
    archive = ArchiveView.of(export, await parts_of(session, export.id))
    return Response(archive.model_dump_json(), headers=HEADERS | AS_FILE, media_type="application/json")


@router.get("/erasure", include_in_schema=False)
async def show_erasure(session: ReadSession, token: str = "") -> HTMLResponse:
    """How it stands, for there is no account to look with."""
    found = await get_erasure(session, _secret(token, NoSuchErasure))
    return erasing(ErasureView.of(found, await receipts_of(session, found.id)))


def _secret(token: str, problem: type[Refusal]) -> str:
    try:
        return SECRET.validate_python(token)
    except ValidationError:
        raise problem from None
