"""Access tokens that are no longer good though their time is not over: suspended people, changed roles, ended sessions.

Identity's events that end tokens (`contracts.identity.EndsTokens`) leave a row in each service's `token_cutoffs`:
tokens of this user, session or API key that were issued before that moment are refused. Each process that answers HTTP
keeps a copy, renewed every `PAUSE` seconds, so that looking costs nothing. A row is of use as long as a token can live.

At identity the row is in the transaction of the event; at the others it comes with the event, so not while the broker
is away: then a token lives out its time, 15 minutes at most.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy import Executable, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.contracts.identity import EndsTokens
from shared.db import Database
from shared.errors import Overloaded, Unauthenticated
from shared.events import Event
from shared.outbox import PlatformBase, along_with

log = structlog.get_logger()

PAUSE = 5.0  # seconds


class TokenCutoff(PlatformBase, kw_only=True):
    """`subject` is `user:5`, `session:<uuid>` or `key:3`; its tokens issued before `ends_before` are refused."""

    __tablename__ = "token_cutoffs"

    subject: Mapped[str] = mapped_column(primary_key=True)
    ends_before: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(init=False, server_default=func.now())


async def end_tokens(session: AsyncSession, subject: str, before: datetime) -> None:
    """Late and repeated calls change nothing: the latest moment stands."""
    await session.execute(_cutoff(subject, before))


def _cutoff(subject: str, before: datetime) -> Executable:
    row = insert(TokenCutoff).values(subject=subject, ends_before=before)
    later = func.greatest(TokenCutoff.ends_before, row.excluded.ends_before)
    return row.on_conflict_do_update(index_elements=["subject"], set_={"ends_before": later, "created_at": func.now()})


def _end_here_at_once(session: Session, event: Event) -> None:
    """Who tells that tokens end does not wait to hear it from the broker: there they end in the same transaction."""
    if isinstance(event, EndsTokens):
        session.execute(_cutoff(event.ended, event.tokens_end_at))


along_with.append(_end_here_at_once)


class Revocations:
    """One process's copy of its service's `token_cutoffs`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ends_before: dict[str, float] = {}
        self._loaded = True  # only a process that keeps it fresh can be without

    def must_be_good(self, subjects: Iterable[str], issued_at: float) -> None:
        """`Unauthenticated` if tokens of one of these were ended after this one was issued (seconds since 1970)."""
        if not self._loaded:
            raise Overloaded
        if any(issued_at < self._ends_before.get(subject, 0) for subject in subjects):
            raise Unauthenticated

    async def refresh(self) -> None:
        async with self._database.read() as session:
            rows = (await session.execute(select(TokenCutoff.subject, TokenCutoff.ends_before))).all()
        self._ends_before, self._loaded = {subject: at.timestamp() for subject, at in rows}, True

    async def keep_fresh(self) -> None:
        """Runs until cancelled. While the database is away, what is known goes on being refused."""
        self._loaded = False
        while True:
            try:
                await self.refresh()
            except Exception as error:
                log.warning("revocations.database_away", error=repr(error))
            await asyncio.sleep(PAUSE if self._loaded else 1.0)
