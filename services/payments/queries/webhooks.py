"""What the provider has told of its own accord."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..domain.webhook import NoSuchWebhook, Outcome, Webhook


async def lock_webhook(session: AsyncSession, webhook_id: int) -> Webhook:
    return await session.get_one(Webhook, webhook_id, with_for_update=True)


async def lock_webhook_called(session: AsyncSession, event_id: str) -> Webhook:
    webhook = await session.scalar(select(Webhook).where(Webhook.event_id == event_id).with_for_update())
    if webhook is None:
        raise NoSuchWebhook
    return webhook


async def latest_webhooks(session: AsyncSession, outcome: Outcome | None, most: int) -> Sequence[Webhook]:
    latest = select(Webhook).order_by(Webhook.received_at.desc(), Webhook.id.desc()).limit(most)
    return (await session.scalars(latest if outcome is None else latest.where(Webhook.outcome == outcome))).all()
