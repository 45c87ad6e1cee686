"""Demo data for a fresh local system: affiliates that can be found and booked, a customer, an administrator.

Made over HTTP as their people would make it. Each looks first what is there, so that a second time changes nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from .demo import affiliates
from .demo.affiliates import tier
from .demo.http import Unexpected, until
from .demo.outside import verify
from .demo.people import JSON, Person
from .failure import CannotRun
from .staff import ADMIN_EMAIL, ensure_admin

CUSTOMER_EMAIL = "customer@example.com"
TIMEOUT = httpx.Timeout(60)
PATIENCE = 120.0  # seconds


def hours(days: Sequence[int], opens: str, closes: str) -> list[JSON]:
    """The same window on each of these days; 0 is Monday."""
    return [{"weekday": day, "opens": opens, "closes": closes} for day in days]


def service(category: str, name: str, *tiers: JSON) -> JSON:
    return {"category": category, "name": name, "tiers": list(tiers)}


@dataclass(frozen=True, eq=False)
class Shop:
    name: str
    zip: str
    windows: list[JSON] = field(repr=False)
    services: list[JSON] = field(repr=False)
    tax_ppm: int

    @property
    def price_list(self) -> JSON:
        return PRICE_LIST | {"tax_ppm": self.tax_ppm}

    @property
    def email(self) -> str:
        return f"{self.name.lower().replace(' ', '-')}@example.com"


WEEKDAYS, SIX_DAYS, EVERY_DAY = range(5), range(6), range(7)
WASH = service(
    "exterior", "Hand wash",
    tier("Basic", 4900, 60, "wash", "dry"),
    tier("Plus", 8900, 90, "wash", "dry", "wax", "wheels"),
)  # fmt: skip
CABIN = service(
    "interior", "Cabin clean",
    tier("Quick", 5900, 60, "vacuum", "wipe down"),
    tier("Deep", 14900, 180, "vacuum", "shampoo", "leather care"),
)  # fmt: skip
FULL = service("full", "Full detail", tier("Standard", 19900, 240), tier("Showroom", 34900, 360, "clay bar", "polish"))
COATING = service("ceramic", "Ceramic coating", tier("One year", 49900, 360), tier("Three years", 89900, 480))
PAINT = service("paint_correction", "Paint correction", tier("One stage", 39900, 300))

PRICE_LIST: JSON = {
    "sizes": [
        {"size_class": size, "multiplier_bp": percent * 100}
        for size, percent in {
            "compact": 90, "sedan": 100, "coupe": 100, "wagon": 110, "suv": 120, "large_suv": 140, "truck": 130,
            "minivan": 130, "van": 150, "motorcycle": 70, "rv": 300,
        }.items()
    ],
    "conditions": [
        {"condition": "dirty", "multiplier_bp": 11_500},
        {"condition": "very_dirty", "multiplier_bp": 13_500},
    ],
    "travel_bands": [
        {"up_to_m": 15_000, "fee_cents": 0},
        {"up_to_m": 30_000, "fee_cents": 1500},
        {"up_to_m": 60_000, "fee_cents": 3000},
    ],
    "minimum_cents": 4500,
}  # fmt: skip
ADD_ONS = (
    affiliates.add_on("Pet hair removal", 3500, 30, "interior", "full"),
    affiliates.add_on("Odor removal", 5900, 60, "interior", "full"),
    affiliates.add_on("Headlight restoration", 7500, 45, "exterior", "full"),
)
WELCOME: JSON = {
    "code": "WELCOME10", "percent_bp": 1000, "starts_at": "2026-01-01T00:00:00Z", "max_uses_per_customer": 1,
}  # fmt: skip

SHOPS = (
    Shop("Lone Star Shine", "78701", hours(SIX_DAYS, "08:00", "18:00"), [WASH, CABIN, FULL], 82_500),
    Shop("Mile High Detail", "80202", hours(WEEKDAYS, "07:30", "17:30"), [WASH, FULL, COATING], 88_100),
    Shop("Golden State Gloss", "90012", hours(EVERY_DAY, "09:00", "19:00"), [WASH, COATING, PAINT], 97_500),
    Shop("Hudson Hand Wash", "10001", hours(EVERY_DAY, "08:00", "20:00"), [WASH, CABIN], 88_750),
    Shop("Biscayne Brilliance", "33130", hours(SIX_DAYS, "07:00", "15:00"), [WASH, CABIN, COATING], 70_000),
    Shop("Aloha Auto Care", "96813", hours(SIX_DAYS, "08:00", "16:00"), [WASH, FULL], 45_000),
)


def accounts(password: str) -> str:
    """Whom one can sign in as."""
    emails = (ADMIN_EMAIL, CUSTOMER_EMAIL, SHOPS[0].email)
    return f"  {'sign in as':<16} {', '.join(emails)}\n  {'password':<16} {password}\n"


def seed(gateway: str, mail: str, identity: Mapping[str, str], password: str) -> None:
    """`identity` is that service's environment. All accounts get this password."""
    try:
        asyncio.run(_seed(gateway, mail, identity, password))
    except Unexpected as error:
        raise CannotRun(f"the demo data are not complete: {error}") from error


async def _seed(gateway: str, mail: str, identity: Mapping[str, str], password: str) -> None:
    async with httpx.AsyncClient(base_url=gateway, timeout=TIMEOUT, trust_env=False) as http:

        async def admin() -> Person:
            await asyncio.to_thread(ensure_admin, identity, password)
            person = Person(http, "Administrator", ADMIN_EMAIL, password)
            await person.log_in()
            return person

        approving = asyncio.create_task(admin())
        customer = Person(http, "Customer", CUSTOMER_EMAIL, password)
        owners = {shop: Person(http, f"Owner of {shop.name}", shop.email, password) for shop in SHOPS}
        await asyncio.gather(
            approving,
            _arrive(customer, "customer", mail),
            _promoted(approving),
            *(_open(shop, owner, mail, approving) for shop, owner in owners.items()),
        )


async def _arrive(person: Person, account: str, mail: str) -> None:
    """Logged in; registered before that, unless they are known already."""

    async def register() -> None:
        await person.register(account)
        await verify(person, mail, PATIENCE)

    await person.log_in_or(register)


async def _open(shop: Shop, owner: Person, mail: str, approving: "asyncio.Task[Person]") -> None:
    await _arrive(owner, "affiliate", mail)
    affiliate = await _applied(shop, owner)
    admin = await approving
    if affiliate["application_status"] == "submitted":
        await affiliates.approve(admin, affiliate)
    await _published(shop, owner, affiliate["id"])
    await _priced(shop, owner, affiliate["id"])
    await _available(shop, admin, affiliate["id"])


async def _applied(shop: Shop, owner: Person) -> JSON:
    known = (await owner.get("/catalog/v1/affiliates/applications"))["items"]
    mine: list[JSON] = [affiliate for affiliate in known if affiliate["name"] == shop.name]
    return mine[0] if mine else await affiliates.apply(owner, shop.name, shop.zip)


async def _published(shop: Shop, owner: Person, affiliate_id: int) -> None:
    known = (await owner.get(f"/catalog/v1/affiliates/{affiliate_id}/services"))["items"]
    names = {service["name"] for service in known}
    for service in shop.services:
        if service["name"] not in names:
            await affiliates.publish(owner, affiliate_id, service)


async def _priced(shop: Shop, owner: Person, affiliate_id: int) -> None:
    known = await owner.get(f"/catalog/v1/affiliates/{affiliate_id}/price-list")
    if not known["sizes"]:
        await affiliates.set_prices(owner, affiliate_id, shop.price_list)
    names = {add_on["name"] for add_on in known["add_ons"]}
    for add_on in ADD_ONS:
        if add_on["name"] not in names:
            await affiliates.offer_add_on(owner, affiliate_id, add_on)


async def _promoted(approving: "asyncio.Task[Person]") -> None:
    admin = await approving
    known = (await admin.get(affiliates.PROMOTIONS))["items"]
    if WELCOME["code"] not in {promotion["code"] for promotion in known}:
        await admin.post(affiliates.PROMOTIONS, WELCOME)


async def _available(shop: Shop, admin: Person, affiliate_id: int) -> None:
    """By the administrator: the owner's token does not name the affiliate before the next refresh."""
    path = f"/booking/v1/affiliates/{affiliate_id}/availability"
    known = await until("booking hears of the affiliate", lambda: admin.find(path), PATIENCE)
    if not known["windows"]:
        await affiliates.open_hours(admin, affiliate_id, shop.windows)
