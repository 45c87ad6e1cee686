"""The JSON API, for tests and demos."""

from datetime import datetime

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from .box import Box
from .mail import Mail
from .script import Line, Script


class MailSummary(BaseModel):
    id: str
    sender: str
    to: list[str]
    subject: str
    message_id: str
    received_at: datetime
    size: int

    @classmethod
    def of(cls, mail: Mail) -> "MailSummary":
        return cls(**_summary(mail))


class MailView(MailSummary):
    headers: list[tuple[str, str]]
    text: str | None
    html: str | None
    attachments: list[str]
    raw: str

    @classmethod
    def of(cls, mail: Mail) -> "MailView":
        more = {name: getattr(mail, name) for name in ("headers", "text", "html", "attachments")}
        return cls(**_summary(mail), **more, raw=mail.raw.decode("utf-8", "replace"))


class MailList(BaseModel):
    mails: list[MailSummary]
    total: int


class Thrown(BaseModel):
    thrown_away: int


def _summary(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.id,
        "sender": mail.sender,
        "to": mail.recipients,
        "subject": mail.header("subject"),
        "message_id": mail.header("message-id"),
        "received_at": mail.received_at,
        "size": len(mail.raw),
    }


def api_routes(box: Box, script: Script) -> APIRouter:
    router = APIRouter()
    _add_mails(router, box)
    _add_script(router, script)

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return router


def _add_mails(router: APIRouter, box: Box) -> None:
    @router.get("/api/mails")
    async def mails(to: str = "", subject: str = "", message_id: str = "", limit: int = 1000) -> MailList:
        """Newest first; each condition narrows the list. `total` counts also what the limit cuts off."""
        found = box.matching(to, subject, message_id)
        return MailList(mails=[MailSummary.of(mail) for mail in found[: max(limit, 0)]], total=len(found))

    @router.get("/api/mails/{mail_id}")
    async def mail(mail_id: str) -> MailView:
        found = box.find(mail_id)
        if found is None:
            raise HTTPException(404, "There is no such mail.")
        return MailView.of(found)

    @router.delete("/api/mails")
    async def throw_away() -> Thrown:
        return Thrown(thrown_away=box.empty())


def _add_script(router: APIRouter, script: Script) -> None:
    @router.get("/api/script")
    async def lines() -> list[Line]:
        return script.lines

    @router.post("/api/script", status_code=201)
    async def add_line(line: Line) -> list[Line]:
        """Decide what a coming mail meets, after those that were decided before."""
        script.add(line)
        return script.lines

    @router.delete("/api/script", status_code=204)
    async def clear_script() -> None:
        script.clear()
