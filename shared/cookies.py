"""Tokens in cookies, for browsers: no script can read them, and no other site can make use of them.

Over https their names have the prefixes that keep other hosts of the domain from setting them: `__Host-`, and
`__Secure-` where the cookie goes to one path only.
"""

from fastapi import Request, Response

from shared.errors import Forbidden
from shared.settings import Settings

ACCESS = "mdh_access"
OURS = frozenset({"same-origin", "none"})


class CrossSiteRequest(Forbidden):
    """This request does not show that it comes from our own pages, as it must with a session in cookies."""


def named(settings: Settings, name: str, path: str = "/") -> str:
    """The cookie's whole name."""
    if not settings.secure_cookies:
        return name
    return f"__Host-{name}" if path == "/" else f"__Secure-{name}"


def give(response: Response, settings: Settings, name: str, value: str, *, path: str = "/", seconds: int) -> None:
    """Set a cookie that a browser keeps to itself; one of no seconds is taken away."""
    whole, secure = named(settings, name, path), settings.secure_cookies
    response.set_cookie(whole, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="strict")


def find(request: Request, name: str, path: str = "/") -> str | None:
    """What the cookie holds. Two of one name are none: one of them is not from us."""
    wanted = named(request.app.state.settings, name, path)
    pairs = (pair.partition("=") for header in request.headers.getlist("cookie") for pair in header.split(";"))
    found = [value.strip() for key, _, value in pairs if key.strip() == wanted]
    return found[0] if len(found) == 1 else None


def must_be_ours(request: Request) -> None:
    """Refuse what another site may have made a browser send (as Go's CrossOriginProtection; silence proves nothing)."""
    settings: Settings = request.app.state.settings
    if request.headers.get("sec-fetch-site") in OURS or request.headers.get("origin") in settings.origins:
        return
    raise CrossSiteRequest
