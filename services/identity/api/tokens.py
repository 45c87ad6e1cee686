"""How somebody who has signed in gets their tokens."""

from typing import Annotated

from fastapi import Depends, Request, Response

from shared import cookies
from shared.clock import now

from ..commands.sessions import CodeNeeded, OpenSession
from ..schemas.second_factor import ChallengeView, CodeNeededView
from ..schemas.sessions import Carrier, CookiesView, RefreshRequest, TokensView
from ..settings import Settings
from .request import Issuing

# Where the refresh token's cookies go. Each has a name of its own: an answer sets one of a name (RFC 6265, 4.1.1).
REFRESH = {"/identity/v1/refresh": "mdh_refresh", "/identity/v1/logout": "mdh_logout"}


class Handover:
    """What every way of signing in answers with. No answer with a secret in it is ever stored."""

    def __init__(self, request: Request, response: Response, issuing: Issuing) -> None:
        self._request, self._response, self._issuing = request, response, issuing
        self._settings: Settings = request.app.state.settings

    def of(self, opened: OpenSession, carrier: Carrier = Carrier.BEARER) -> TokensView | CookiesView:
        if carrier is Carrier.COOKIE:
            cookies.must_be_ours(self._request)  # or another site could sign somebody in as somebody else
            return self._in_cookies(opened)
        self._response.headers["Cache-Control"] = "no-store"
        return TokensView(
            access_token=self._issuing.issue(opened.actor),
            expires_in=self._issuing.lifetime,
            refresh_token=opened.secret,
            refresh_expires_at=opened.token.expires_at,
        )

    def _in_cookies(self, opened: OpenSession) -> CookiesView:
        self._response.headers["Cache-Control"] = "no-store"
        seconds, until = self._issuing.lifetime, opened.token.expires_at
        self._give(self._issuing.issue(opened.actor), seconds, opened.secret, int((until - now()).total_seconds()))
        return CookiesView(expires_in=seconds, refresh_expires_at=until)

    def take_back(self) -> None:
        """What signing out does to a browser."""
        cookies.must_be_ours(self._request)
        self._give("", 0, "", 0)

    def _give(self, access: str, access_seconds: int, refresh: str, refresh_seconds: int) -> None:
        cookies.give(self._response, self._settings, cookies.ACCESS, access, seconds=access_seconds)
        for path, name in REFRESH.items():
            cookies.give(self._response, self._settings, name, refresh, path=path, seconds=refresh_seconds)

    def brought(self, wanted: RefreshRequest) -> str:
        """The refresh token of a request, from its body or its cookie; none is one that nobody knows."""
        if wanted.refresh_token is not None:
            return wanted.refresh_token
        cookies.must_be_ours(self._request)
        path = self._request.url.path
        return cookies.find(self._request, REFRESH[path], path) or ""

    def so_far(
        self, outcome: OpenSession | CodeNeeded, carrier: Carrier = Carrier.BEARER
    ) -> TokensView | CookiesView | CodeNeededView:
        """Tokens, or what the second factor is asked for with."""
        if isinstance(outcome, OpenSession):
            return self.of(outcome, carrier)
        return self._challenge(outcome)

    def back_to(self, page: str, outcome: OpenSession | CodeNeeded) -> CookiesView | CodeNeededView:
        """A redirect to a page of ours, for who comes from another site and has shown to have begun here.

        A challenge goes behind `#`: no server is told it, and no log."""
        self._response.status_code = 303
        if isinstance(outcome, OpenSession):
            self._response.headers["Location"] = page
            return self._in_cookies(outcome)
        self._response.headers["Location"] = f"{page}#second_factor={outcome.secret}"
        return self._challenge(outcome)

    def _challenge(self, needed: CodeNeeded) -> CodeNeededView:
        self._response.headers["Cache-Control"] = "no-store"
        challenge = ChallengeView(challenge=needed.secret, expires_at=needed.challenge.expires_at)
        return CodeNeededView(second_factor=challenge)


HandingOver = Annotated[Handover, Depends()]
