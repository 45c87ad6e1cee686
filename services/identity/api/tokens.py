"""How somebody who has signed in gets their tokens."""

from typing import Annotated

from fastapi import Depends, Response

from ..commands.sessions import OpenSession
from ..schemas.sessions import TokensView
from .request import Issuing


class Handover:
    """What every way of signing in answers with. No answer with a secret in it is ever stored."""

    def __init__(self, response: Response, issuing: Issuing) -> None:
        self._response, self._issuing = response, issuing

    def of(self, opened: OpenSession) -> TokensView:
        self._response.headers["Cache-Control"] = "no-store"
        return TokensView(
            access_token=self._issuing.issue(opened.actor),
            expires_in=self._issuing.lifetime,
            refresh_token=opened.secret,
            refresh_expires_at=opened.token.expires_at,
        )


HandingOver = Annotated[Handover, Depends()]
