"""Kept cards, and who the provider knows their holders as."""

from collections.abc import Sequence

from sqlalchemy import bindparam, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor

from ..domain.booking import FINAL, GONE, Booking
from ..domain.kept_card import KeptCard, NoSuchCard, Wallet
from ..domain.life import IntentKind
from ..domain.payment import Payment

# Built once: each booking asks it.
PAYMENT_WITH_WALLET = (
    select(Payment, Wallet.stripe_customer_id)
    .outerjoin(Wallet, Wallet.customer_id == Payment.customer_id)
    .where(Payment.id == bindparam("payment_id"))
)


async def cards_of(session: AsyncSession, customer_id: int) -> Sequence[KeptCard]:
    """Newest first."""
    mine = select(KeptCard).where(KeptCard.customer_id == customer_id).order_by(KeptCard.id.desc())
    return (await session.scalars(mine)).all()


async def card_for(session: AsyncSession, actor: Actor, card_id: int) -> KeptCard:
    card = await session.get(KeptCard, card_id)
    if card is None or card.customer_id != actor.customer_id:
        raise NoSuchCard
    return card


async def find_wallet(session: AsyncSession, customer_id: int) -> Wallet | None:
    return await session.scalar(select(Wallet).where(Wallet.customer_id == customer_id))


async def keep_wallet(session: AsyncSession, customer_id: int) -> Wallet:
    """The one there is, or a new one with the intention to have it made."""
    row = insert(Wallet).values({"customer_id": customer_id, **Wallet.intended()}).on_conflict_do_nothing()
    await session.execute(row)
    return (await session.scalars(select(Wallet).where(Wallet.customer_id == customer_id))).one()


async def payment_with_wallet(session: AsyncSession, payment_id: int) -> tuple[Payment, str | None]:
    """In one statement: the payment, and who the provider knows its customer as."""
    payment, customer_id = (await session.execute(PAYMENT_WITH_WALLET, {"payment_id": payment_id})).one()
    return payment, customer_id


async def is_needed(session: AsyncSession, card: KeptCard) -> bool:
    """Whether an appointment that is not over yet is to be paid with it."""
    later = (Payment.intent_kind != IntentKind.CHARGE) | (Payment.rest_cents > 0)
    is_over = exists().where(Booking.booking_id == Payment.booking_id, Booking.status.in_((*FINAL, *GONE)))
    method = Payment.payment_method["id"].astext
    of = Payment.customer_id == card.customer_id, method == card.stripe_payment_method_id
    return bool(await session.scalar(select(exists().where(*of, later, ~is_over))))
