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
        self._response.headers["Cache-Control"] = "no-store"
        access, seconds, until = self._issuing.issue(opened.actor), self._issuing.lifetime, opened.token.expires_at
        if carrier is Carrier.COOKIE:
            cookies.must_be_ours(self._request)  # or another site could sign somebody in as somebody else
            left = int((until - now()).total_seconds())
            self._give(access, seconds, opened.secret, left)
            return CookiesView(expires_in=seconds, refresh_expires_at=until)
        return TokensView(
            access_token=access, expires_in=seconds, refresh_token=opened.secret, refresh_expires_at=until
        )

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
        self._response.headers["Cache-Control"] = "no-store"
        challenge = ChallengeView(challenge=outcome.secret, expires_at=outcome.challenge.expires_at)
        return CodeNeededView(second_factor=challenge)


HandingOver = Annotated[Handover, Depends()]
