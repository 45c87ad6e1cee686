"""How what happened is told."""

from datetime import datetime

from .outcome import money
from .people import JSON
from .wares import ZONE


def when(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%a %d %b, %H:%M}"


def status(shown: JSON) -> str:
    return str(shown.get("status") or shown["application_status"])


def sizes(price_list: JSON) -> str:
    return ", ".join(f"{size['size_class']} {size['multiplier_bp'] / 100:.0f} %" for size in price_list["sizes"])


def lines(price: JSON) -> str:
    lines = " + ".join(f"{line['label']} {money(line['amount_cents'])}" for line in price["lines"])
    return f"{money(price['total_cents'])} = {lines}"


def held(booking: JSON) -> str:
    until = datetime.fromisoformat(booking["hold_expires_at"])
    return f"booking {booking['id']}, {money(booking['price_cents'])}, held until {until.astimezone(ZONE):%H:%M}"
