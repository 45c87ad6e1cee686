"""A price that no list has: asked for, named, talked about, accepted."""

from datetime import UTC, datetime, timedelta
from secrets import token_hex

from .people import JSON, Person
from .wares import VEHICLE, ZIP

QUOTES = "/booking/v1/quotes"
LINES: list[JSON] = [
    {"kind": "service", "label": "Out with the sand", "amount_cents": 8_900},
    {"kind": "travel", "label": "Up the mountain", "amount_cents": 1_500},
]
MINUTES = 30


async def ask(customer: Person, tier: JSON) -> JSON:
    wanted = VEHICLE | {
        "tier_ids": [tier["id"]],
        "vehicle": "A van that was at the beach",
        "photo_urls": ["https://photos.example/sand.jpg"],
        "address": "1 Demo Street",
        "zip": ZIP,
        "description": "Sand, everywhere.",
    }
    [quote] = (await customer.post(QUOTES, wanted))["quotes"]
    return quote  # type: ignore[no-any-return]


async def answer(owner: Person, quote: JSON, words: str) -> JSON:
    return await owner.post(f"{QUOTES}/{quote['id']}/messages", {"body": words})


async def name_price(owner: Person, quote: JSON) -> JSON:
    """Without the tax, which is added to it."""
    until = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    wanted = {"lines": LINES, "duration_minutes": MINUTES, "valid_until": until, "note": "The sand is yours to keep."}
    return await owner.post(f"{QUOTES}/{quote['id']}/price", wanted, expect=200, headers=_seen(quote))


async def accept(customer: Person, quote: JSON, slot: datetime) -> JSON:
    """The booking that it becomes."""
    headers = _seen(quote) | {"Idempotency-Key": token_hex(16)}
    return await customer.post(f"{QUOTES}/{quote['id']}/accept", {"starts_at": slot.isoformat()}, headers=headers)


def _seen(quote: JSON) -> dict[str, str]:
    return {"If-Match": f'"{quote["version"]}"'}
