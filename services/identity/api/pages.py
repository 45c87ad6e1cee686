"""The pages that the links in mails lead to. They are for people: HTML and forms, and no part of the API's document."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from pydantic import TypeAdapter, ValidationError

from shared.db import Session
from shared.errors import BadRequest, Refusal, Unprocessable
from shared.http import Route
from shared.http import router as new_router

from ..commands import emails, passwords, registrations
from ..domain.password import CommonPassword
from ..domain.proof import LinkNoLongerGood, NotThisPassword
from ..pages import Page, asked, done, invited, refused
from ..schemas.credentials import ResetRequest
from ..schemas.fields import Secret
from ..schemas.registrations import MailedSecretRequest
from .request import Verifying


class ToMend(Exception):
    """What was refused can be sent once more, with the same secret."""

    def __init__(self, problem: Refusal, token: str) -> None:
        self.problem, self.token = problem, token


class PageRoute(Route):
    """Refusals as pages: raised, so that nothing of what was refused is kept."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except ToMend as again:
                return asked(Page(request.path_params["page"]), again.token, again.problem)
            except Refusal as problem:
                return refused(Page(request.path_params["page"]), problem)

        return shown


router = new_router("identity", "pages", "/pages")
router.route_class = PageRoute
FORM = "application/x-www-form-urlencoded"
SECRET: TypeAdapter[str] = TypeAdapter(Secret)


class UnreadableForm(BadRequest):
    """This cannot be read. Follow the link in our mail once more."""


class UnfitPassword(Unprocessable):
    """A password has 12 to 128 characters."""


@router.get("/accept-invitation", include_in_schema=False)
async def invitation() -> HTMLResponse:
    return invited()


@router.get("/{page}", include_in_schema=False)
async def show(page: Page, token: str = "") -> HTMLResponse:
    """Changes nothing: mail scanners follow links, too."""
    try:
        return asked(page, SECRET.validate_python(token))
    except ValidationError:
        return refused(page, LinkNoLongerGood())


@router.post("/{page}", include_in_schema=False)
async def act(page: Page, request: Request, verifier: Verifying, session: Session) -> HTMLResponse:
    """What the button does."""
    form = await read_form(request)
    try:
        await _act(page, form, verifier, session)
    except (CommonPassword, NotThisPassword, UnfitPassword) as problem:
        raise ToMend(problem, form["token"]) from problem
    return done(page)


async def _act(page: Page, form: dict[str, Any], verifier: Verifying, session: Session) -> None:
    try:
        asked = (ResetRequest if page is Page.RESET_PASSWORD else MailedSecretRequest).model_validate(form)
    except ValidationError as invalid:
        unfit = all(error["loc"] == ("password",) for error in invalid.errors())
        raise UnfitPassword if unfit else LinkNoLongerGood from None
    match page:
        case Page.RESET_PASSWORD:
            await passwords.reset_password(session, verifier.reading, verifier.passwords, asked.token, asked.password)
        case Page.VERIFY_EMAIL:
            await registrations.verify(session, verifier, asked.token, asked.password)
        case Page.CONFIRM_EMAIL:
            await emails.confirm_change(session, verifier, asked.token, asked.password)


async def read_form(request: Request) -> dict[str, str]:
    """Each field once."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise UnreadableForm
    try:
        body = (await request.body()).decode()
        fields = parse_qsl(body, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=5)
    except ValueError:
        raise UnreadableForm from None
    form = dict(fields)
    if len(form) != len(fields):
        raise UnreadableForm
    return form
