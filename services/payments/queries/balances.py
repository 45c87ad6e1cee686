"""What affiliates are to be paid, and who may see it."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.errors import Forbidden

from ..domain.earnings import PayoutTerms, ripe, total
from ..domain.ledger import Balance
from .accounts import why_held
from .ledger import held_back_of, payable_to
from .payouts import earnings_of, under_way_of


class NotYourBooks(Forbidden):
    """Only the affiliate's owner and managers, and staff, see what it is to be paid."""


def must_see_books(actor: Actor, affiliate_id: int) -> None:
    if not (actor.runs(affiliate_id) or actor.is_staff):
        raise NotYourBooks


async def balances_for(session: AsyncSession, actor: Actor, affiliate_id: int, terms: PayoutTerms) -> list[Balance]:
    """By currency."""
    must_see_books(actor, affiliate_id)
    held, sent = await held_back_of(session, affiliate_id), await under_way_of(session, affiliate_id)
    why = await why_held(session, affiliate_id)
    due = {} if why else ripe(await earnings_of(session, affiliate_id), terms, now())
    return [
        Balance(
            currency, cents, held.get(currency, 0), sent.get(currency, 0), max(total(due.get(currency, [])), 0), why
        )
        for currency, cents in (await payable_to(session, affiliate_id)).items()
    ]
