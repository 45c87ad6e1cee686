"""How often somebody may try: `await limits.spend(LOGIN, email)`, before anything is looked at."""

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from shared.http import announce

from .domain.limits import Limit, Standing, TooManyAttempts, tightest
from .queries.limits import use_up


class Limits:
    """What one request may spend, of its address's allowances and of those of whatever it is about."""

    def __init__(self, reading: AsyncSession, request: Request, address: str | None, times: int) -> None:
        self._reading, self._request, self._address, self._times = reading, request, address, times

    async def spend(self, limit: Limit, subject: object = "", *, within: AsyncSession | None = None) -> None:
        """One attempt; `TooManyAttempts` if there is none left. One statement, and no connection is kept.

        `within` a transaction only what succeeds is counted. Whoever has one at work already must say so: a request
        that holds a connection while it waits for a second one can wait for itself.
        """
        session, whose = within or self._reading, str(subject).lower()
        try:
            standings = await use_up(session, limit, address=self._address, subject=whose, times=self._times)
        finally:
            await self._reading.close()
        standing = tightest(standings)
        self._tell(standing)
        if standing.refused:
            raise TooManyAttempts(retry_after=standing.renews_in)

    def _tell(self, standing: Standing) -> None:
        """On every answer, also on one that refuses for another reason."""
        told = {"Limit": standing.most, "Remaining": standing.left, "Reset": standing.renews_in}
        announce(self._request, {f"RateLimit-{name}": str(value) for name, value in told.items()})
        if standing.refused:
            announce(self._request, {"Retry-After": str(standing.renews_in)})
