"""Cards that a customer keeps for the next booking."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Keyed, Timestamped
from shared.errors import Conflict, NotFound

from . import Base
from .intention import Intention
from .provider import SavedCard


class NoSuchCard(NotFound):
    """There is no such card, or it is not yours."""


class NotToBePaid(Conflict):
    """This payment is not to be paid now."""


class CardNotForThis(Conflict):
    """This payment was begun without your kept cards: give the card anew."""


class CardInUse(Conflict):
    """This card is still to pay for an appointment: it can be removed once that is paid or called off."""


class Wallet(Intention, Keyed, Timestamped, Base, kw_only=True):
    """Who the provider knows a customer as: made when they first want a card kept, and used from then on."""

    __tablename__ = "wallets"
    operation = "create_customer"

    customer_id: Mapped[int]
    stripe_customer_id: Mapped[str | None] = mapped_column(default=None)


class KeptCard(Keyed, Base, kw_only=True):
    """What its holder may see of it; of the number, no more."""

    __tablename__ = "kept_cards"

    customer_id: Mapped[int]
    stripe_payment_method_id: Mapped[str]
    brand: Mapped[str]
    last_four: Mapped[str]
    expires_month: Mapped[int]
    expires_year: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)

    def saved_for(self, wallet: Wallet) -> SavedCard:
        return SavedCard(wallet.stripe_customer_id or "", self.stripe_payment_method_id)
