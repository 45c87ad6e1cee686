"""What customers agree to, and take back."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.identity import ConsentChanged
from shared.outbox import record

from ..domain.consent import MarketingConsent
from ..queries.customers import consent_of, lock_customer
from ..schemas.customers import ConsentRequest
from .sessions import Client


async def say(
    session: AsyncSession, actor: Actor, version: int | None, wanted: ConsentRequest, client: Client
) -> MarketingConsent:
    """What is another than before is written down, with where it came from."""
    consent = await consent_of(session, await lock_customer(session, actor.customer_id))
    consent.expect(version)
    changes = consent.say(wanted.channels, wanted.wording, address=client.address, user_agent=client.device)
    if changed := list(changes):
        consent.version += 1
        session.add_all([consent, *changed])
        await session.flush()
        record(session, ConsentChanged.of(consent, user_id=actor.user_id))
    return consent
