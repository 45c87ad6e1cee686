"""What the provider's webhooks never told: its list of events is read, and what is new there is handled as they are."""

from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.tasks import Outside

from ..clients import Provider
from . import tasks
from .webhooks import ACTED_UPON, receive

log = structlog.get_logger()

UNTOLD = Counter("mdh_payments_untold_events_total", "Events that no webhook told of, found in the provider's list")
PATIENCE = timedelta(minutes=10)  # what is younger may be on its way
LOOKS_BACK = timedelta(hours=3)


def look_for_untold(session: AsyncSession) -> None:
    """Of the last hours; of a whole day, when it is compared."""
    end = now() - PATIENCE
    look_between(session, end - LOOKS_BACK, end)


def look_between(session: AsyncSession, start: datetime, end: datetime) -> None:
    tasks.enqueue(session, read_events, start=start.isoformat(), end=end.isoformat())


@tasks.call
async def read_events(outside: Outside, start: str, end: str, after: str | None = None) -> None:
    """One page, and then the next."""
    between = (datetime.fromisoformat(start), datetime.fromisoformat(end))
    told = await outside.client(Provider).events_between(*between, ACTED_UPON, after)
    async with outside.begin() as session:
        for event in told:
            if await receive(session, event):
                UNTOLD.inc()
                log.warning("payments.untold_event", event_id=event.id, type=event.type)
        if told:
            tasks.enqueue(session, read_events, start=start, end=end, after=told[-1].id)
