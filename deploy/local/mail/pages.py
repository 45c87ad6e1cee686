"""Pages for a person who wants to read what the system sent. Plain HTML, no script."""

from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, PackageLoader

from .box import Box
from .mail import Mail

SHOWN_AT_MOST = 200
OURS = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
THEIRS = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

TEMPLATES = Environment(loader=PackageLoader(__package__), autoescape=True)


def _page(name: str, **values: Any) -> HTMLResponse:
    return HTMLResponse(TEMPLATES.get_template(name).render(**values), headers={"Content-Security-Policy": OURS})


def page_routes(box: Box) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def wanted(mail_id: str) -> Mail:
        found = box.find(mail_id)
        if found is None:
            raise HTTPException(404, "There is no such mail.")
        return found

    @router.get("/")
    async def inbox(to: str = "", subject: str = "") -> HTMLResponse:
        found = box.matching(to, subject, "")
        return _page("inbox.html", mails=found[:SHOWN_AT_MOST], total=len(found), to=to, subject=subject)

    @router.get("/mails/{mail_id}")
    async def show(mail_id: str) -> HTMLResponse:
        return _page("mail.html", mail=wanted(mail_id))

    @router.get("/mails/{mail_id}/html")
    async def html(mail_id: str) -> Response:
        """The sender's own markup: without script, without requests to anywhere, without our origin."""
        return HTMLResponse(wanted(mail_id).html or "", headers={"Content-Security-Policy": THEIRS})

    @router.get("/mails/{mail_id}/raw")
    async def raw(mail_id: str) -> Response:
        text = wanted(mail_id).raw.decode("utf-8", "replace")
        return PlainTextResponse(text, headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": THEIRS})

    return router
