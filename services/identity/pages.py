"""Small pages for the links in mails, for want of a front end: each shows a button, and only pressing it does anything.

Mail scanners follow links, so looking at a page changes nothing. It has no script and nothing from elsewhere, no cache
keeps it, and no other site is told of its address, which has a secret in it.
"""

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from shared.errors import Refusal

from .schemas.personal import ErasureView

STYLE = """
body{margin:0;background:#f4f5f7;color:#1c2430;font:16px/1.5 system-ui,sans-serif}
main{max-width:26rem;margin:12vh auto 0;padding:2rem;background:#fff;border-radius:8px}
h1{font-size:1.4rem;margin:.5rem 0 1rem}
.brand{margin:0;color:#5b6675}
.problem{padding:.5rem .75rem;background:#fdecea;color:#8a1c12;border-radius:6px}
label{display:block;margin-top:1rem}
input{width:100%;box-sizing:border-box;padding:.6rem;font:inherit;border:1px solid #8a94a3;border-radius:6px}
button{margin-top:1.25rem;padding:.65rem 1.25rem;font:inherit;color:#fff;background:#0b5fff;border:0;border-radius:6px}
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class Page(StrEnum):
    VERIFY_EMAIL = "verify-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105 - no password
    CONFIRM_EMAIL = "confirm-email"


@dataclass(frozen=True)
class Words:
    title: str
    text: str
    button: str
    done: str


WORDS = {
    Page.VERIFY_EMAIL: Words(
        "Is this your e-mail address?",
        "Verify it with the password that you chose, and your account is open. If you did not ask for an account, do"
        " nothing.",
        "Verify this address",
        "Your address is verified. You can log in now.",
    ),
    Page.RESET_PASSWORD: Words(
        "A new password",
        "Everybody who is signed in to your account is signed out when you set it. It has 12 characters at least.",
        "Set this password",
        "Your password is set. Log in with it from now on.",
    ),
    Page.CONFIRM_EMAIL: Words(
        "Is this your new e-mail address?",
        "Confirm it with the password of your account, which is reached here from now on. If you did not ask for it, do"
        " nothing.",
        "Confirm this address",
        "Your account is now reached at this address. Log in with it from now on.",
    ),
}
INVITED = (
    "You are invited into a team",
    "Log in to Mobile Detail Hub with the account of the address that our mail came to, or register it first. Then"
    " accept the invitation with the token of this link: POST /identity/v1/invitations/accept.",
)

FETCHED = (
    "Your data",
    "Everything that Mobile Detail Hub holds of you, as one file. Keep it where nobody else finds it.",
)
ERASED = "The erasure of your data"


@cache
def _templates() -> Environment:
    return Environment(loader=PackageLoader(__package__), autoescape=select_autoescape(), undefined=StrictUndefined)


def asked(page: Page, token: str, problem: Refusal | None = None) -> HTMLResponse:
    """The page with its button; once more, if what was sent with it was refused for a `problem` that can be mended."""
    words = WORDS[page]
    form = {"page": page, "token": token, "button": words.button, "new": page is Page.RESET_PASSWORD}
    return _page(words.title, words.text, problem=problem, form=form)


def done(page: Page) -> HTMLResponse:
    return _page(WORDS[page].title, WORDS[page].done)


def refused(page: Page, problem: Refusal) -> HTMLResponse:
    return _page(WORDS[page].title, "", problem=problem)


def invited() -> HTMLResponse:
    return _page(*INVITED)


def to_fetch(token: str) -> HTMLResponse:
    return _page(*FETCHED, template="export.html", token=token)


def erasing(erasure: ErasureView) -> HTMLResponse:
    return _page(ERASED, "", template="erasure.html", erasure=erasure)


def not_there(problem: Refusal) -> HTMLResponse:
    return _page("Your data", "", problem=problem)


def _page(
    title: str,
    text: str,
    *,
    problem: Refusal | None = None,
    form: dict[str, object] | None = None,
    template: str = "page.html",
    **more: object,
) -> HTMLResponse:
    shown = {"title": title, "text": text, "problem": problem.detail if problem else "", "form": form} | more
    body = _templates().get_template(template).render(shown, style=Markup(STYLE))  # noqa: S704 - a constant
    return HTMLResponse(body, problem.status if problem else 200, HEADERS)
