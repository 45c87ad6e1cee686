"""What the demo's affiliate sells, and what its customer wants of it."""

from zoneinfo import ZoneInfo

from . import affiliates
from .people import JSON

ZIP, ZONE = "85701", ZoneInfo("America/Phoenix")  # no clock changes there: something can be booked at any hour
SERVICE: JSON = {
    "category": "exterior",
    "name": "Express wash",
    "description": "By hand, at your door.",
    "tiers": [
        affiliates.tier("Basic", 3900, 30, "wash", "dry"),
        affiliates.tier("Plus", 6900, 60, "wash", "dry", "wax"),
        affiliates.tier("Deluxe", 12900, 120, "wash", "dry", "wax", "wheels"),
    ],
}
PRICE_LIST: JSON = {
    "sizes": [
        {"size_class": "sedan", "multiplier_bp": 10_000},
        {"size_class": "suv", "multiplier_bp": 12_000},
    ],
    "conditions": [{"condition": "dirty", "multiplier_bp": 11_500}],
    "travel_bands": [{"up_to_m": 20_000, "fee_cents": 0}, {"up_to_m": 60_000, "fee_cents": 2000}],
    "minimum_cents": 3000,
    "tax_ppm": 87_000,
}
ADD_ON = affiliates.add_on("Pet hair removal", 1500, 15, "exterior")
VEHICLE: JSON = {"size_class": "suv", "condition": "normal"}
