"""Affiliates, offers and customers in bulk: rows copied into the services' tables, as their events would have put them.

Only what is measured goes over HTTP. Nothing that a measurement's effect depends on is left out: customers can be
reached by notifications, so each booking is answered with an e-mail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.testing.tokens import customer

from .load import request
from .system import System

FIRST = 100_000  # ids of affiliates, offers and customers of the bench begin after this
MANY, HOT, RACE, BUSY = range(1, 201), 201, 202, 203
CUSTOMERS = 10_000
MINUTES, BUFFER, PRICE = 60, 0, 5900
BUSY_BOOKINGS, BUSY_DAYS = 300, 30
ZONE = "America/New_York"
CATEGORY = "full"
ADDRESS, ZIP = "1 Main Street", "10001"
PLACE, RADIUS = (40.75, -73.997), 40_000


@dataclass(frozen=True)
class Slot:
    affiliate: int
    starts_at: datetime


def slots(affiliates: Sequence[int], n: int, after: int = 0) -> list[Slot]:
    """Free whole hours, turn by turn at each affiliate; the first `after` hours are left to others."""
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=4 + after)
    return [Slot(affiliates[i % len(affiliates)], first + timedelta(hours=i // len(affiliates))) for i in range(n)]


class Customers:
    """Each booking is another customer's: whoever has three unpaid ones gets no fourth."""

    def __init__(self, system: System) -> None:
        self._system, self._last = system, FIRST

    def booking(self, slot: Slot) -> bytes:
        self._last += 1
        token = self._system.token(customer(self._last))
        wanted = {
            "tier_id": FIRST + slot.affiliate, "starts_at": slot.starts_at.isoformat(), "address": ADDRESS,
            "zip": ZIP, "price_cents": PRICE,
        }  # fmt: skip
        return request("POST", "/booking/v1/bookings", token, wanted, key=f"bench-{self._last}")


async def arrange(system: System) -> None:
    await _affiliates(system)
    await _customers(system)
    await _busy_crew(system)


async def _affiliates(system: System) -> None:
    """Each with one crew, one offer, and open around the clock; the busy one from 8 to 20."""
    ids = [FIRST + n for n in (*MANY, HOT, RACE, BUSY)]
    to = await system.database("booking")
    await _copy(
        to, "affiliates",
        "affiliate_id version name application_status timezone latitude longitude service_radius_m",
        [(id, 1, f"Affiliate {id}", "approved", ZONE, *PLACE, RADIUS) for id in ids],
    )  # fmt: skip
    await _copy(
        to, "tiers",
        "tier_id version service_id affiliate_id service_name tier_name price_cents duration_minutes active category",
        [(id, 1, id, id, "Full detail", "Classic", PRICE, MINUTES, True, CATEGORY) for id in ids],
    )  # fmt: skip
    await _copy(to, "crews", "affiliate_id name buffer_minutes", [(id, "Crew 1", BUFFER) for id in ids])
    await _copy(to, "availability", "affiliate_id weekday opens_minute closes_minute",
                [(id, day, *_hours(id)) for id in ids for day in range(7)])  # fmt: skip
    await to.execute("analyze")


def _hours(affiliate_id: int) -> tuple[int, int]:
    return (480, 1200) if affiliate_id == FIRST + BUSY else (0, 1440)


async def _customers(system: System) -> None:
    contacts = [
        (FIRST + n + 1000, 1, FIRST + n, f"customer{n}@example.com", f"Customer {n}", "en", ZONE)
        for n in range(1, CUSTOMERS + 1)
    ]
    to = await system.database("notifications")
    await _copy(to, "contacts", "user_id version customer_id email full_name locale timezone", contacts)
    await to.execute("analyze contacts")


async def _busy_crew(system: System) -> None:
    """Ten confirmed jobs a day, from tomorrow on."""
    to = await system.database("booking")
    await to.execute(BUSY_SCHEDULE, FIRST + BUSY, BUSY_BOOKINGS // BUSY_DAYS, BUSY_DAYS, ZONE, FIRST + CUSTOMERS + 1)
    await to.execute("analyze bookings")


BUSY_SCHEDULE = """
insert into bookings (customer_id, affiliate_id, crew_id, service_id, tier_id, service_name, tier_name, status,
    appointment_start, appointment_end, blocked, timezone, address, zip, price_cents, commission_cents, currency,
    free_until, late_fee_cents, hold_expires_at, paid_cents)
select $5, $1, c.id, $1, $1, 'Full detail', 'Classic', 'confirmed', at, at + interval '1 hour',
       tstzrange(at, at + interval '1 hour'), $4, '1 Main Street', '10001', 5900, 885, 'USD',
       at - interval '1 day', 2950, now(), 5900
  from crews c, generate_series(1, $3) as day, generate_series(8, 7 + $2) as hour,
       lateral (select (current_date + day + hour * interval '1 hour') at time zone $4 as at) as times
 where c.affiliate_id = $1"""


async def _copy(to: Any, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    await to.copy_records_to_table(table, records=list(rows), columns=columns.split())
