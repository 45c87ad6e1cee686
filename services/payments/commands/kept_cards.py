"""Cards that customers keep: noted when they were used, forgotten when asked to, by the provider too."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.identity import ErasureRequested
from shared.personal import is_erased
from shared.tasks import Outside

from ..clients import Provider
from ..domain.kept_card import CardInUse, KeptCard
from ..domain.payment import Payment
from ..domain.provider import SavedCard
from ..queries.kept_cards import card_for, cards_of, find_wallet, is_needed
from ..queries.payments import get_payment, saved_methods_of
from . import tasks


def note_card(session: AsyncSession, payment: Payment, card: SavedCard | None) -> None:
    """Its customer has agreed with this card, and may want it kept; of somebody who was erased, nobody keeps any."""
    if payment.saved_card is None:
        drop_card(session, card)
    elif payment.keeps_card:
        payment.keeps_card = False
        tasks.enqueue(session, keep_card, payment_id=payment.id)


def drop_card(session: AsyncSession, card: SavedCard | None) -> None:
    """It was saved for nothing."""
    if card:
        tasks.enqueue(session, detach_card, method_id=card.method_id)


@tasks.call
async def keep_card(outside: Outside, payment_id: int) -> None:
    """What may be shown of it is asked for. Kept once, however often; not for somebody who was erased meanwhile."""
    async with outside.begin() as session:
        payment = await get_payment(session, payment_id)
        wallet = await find_wallet(session, payment.customer_id)
    card = payment.saved_card
    if card is None or wallet is None or card.customer_id != wallet.stripe_customer_id:
        return
    printed = await outside.client(Provider).get_card(card)
    if printed is None:
        return
    async with outside.begin() as session:
        if await is_erased(session, f"customer:{payment.customer_id}"):
            return  # who erases has it detached, because the payment names it
        row = {"customer_id": payment.customer_id, "stripe_payment_method_id": card.method_id}
        shown = {name: getattr(printed, name) for name in ("brand", "last_four", "expires_month", "expires_year")}
        await session.execute(insert(KeptCard).values({**row, **shown}).on_conflict_do_nothing())


async def forget_card(session: AsyncSession, actor: Actor, card_id: int) -> None:
    """Gone at once for its holder, and at the provider as soon as that answers."""
    card = await card_for(session, actor, card_id)
    if await is_needed(session, card):
        raise CardInUse
    tasks.enqueue(session, detach_card, method_id=card.stripe_payment_method_id)
    await session.execute(delete(KeptCard).where(KeptCard.id == card.id))


@tasks.call
async def detach_card(outside: Outside, method_id: str) -> None:
    """Can be done only once, so it needs no key."""
    await outside.client(Provider).detach_card(method_id)


async def forget_cards(event: ErasureRequested, session: AsyncSession) -> None:
    """All that the provider has of somebody who is erased: kept for the next booking, or for what one still costs."""
    if event.customer_id is None:
        return
    kept = {card.stripe_payment_method_id for card in await cards_of(session, event.customer_id)}
    for method_id in sorted(kept | set(await saved_methods_of(session, event.customer_id))):
        tasks.enqueue(session, detach_card, method_id=method_id)
