"""What the search gives. Prices are cents of the configuration's currency, distances metres."""

from shared.http import View


class FoundView(View):
    """An affiliate that serves the place asked for; `from_price_cents` null: nothing on offer at present."""

    id: int
    name: str
    slug: str
    city: str
    state: str
    distance_m: int
    service_radius_m: int
    rating: float | None
    review_count: int
    from_price_cents: int | None
