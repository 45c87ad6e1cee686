"""Cards that customers keep."""

from datetime import datetime

from shared.http import Body, Id, View


class CardChoice(Body):
    card_id: Id


class KeptCardView(View):
    """All that is known of a card: by its last four figures its holder knows it."""

    id: int
    brand: str
    last_four: str
    expires_month: int
    expires_year: int
    created_at: datetime


class KeptCardsView(View):
    items: list[KeptCardView]
