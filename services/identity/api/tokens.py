"""How somebody who has signed in gets their tokens."""

from typing import Annotated

from fastapi import Depends, Response

from ..commands.sessions import CodeNeeded, OpenSession
from ..schemas.second_factor import ChallengeView, CodeNeededView
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

    def so_far(self, outcome: OpenSession | CodeNeeded) -> TokensView | CodeNeededView:
        """Tokens, or what the second factor is asked for with."""
        if isinstance(outcome, OpenSession):
            return self.of(outcome)
        self._response.headers["Cache-Control"] = "no-store"
        challenge = ChallengeView(challenge=outcome.secret, expires_at=outcome.challenge.expires_at)
        return CodeNeededView(second_factor=challenge)


HandingOver = Annotated[Handover, Depends()]
