"""What a job costs: one pure function, the same for catalog's price checks and for booking's bookings.

What it reads travels in catalog's events, so both come to the same cent. Money is whole cents, rates are basis points
of 1/100 %, taxes parts per million (sales taxes go to three places: 8.875 %), distances metres.

The lines, in their order: of each vehicle the tier at its price for the size, the condition, add-ons; then, once for
all, what is missing to the minimum, travel, the promotion (of the services, never of travel), tax (on all of that).
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from shared.errors import Unprocessable
from shared.money import share
from shared.vehicles import Condition, SizeClass

# Less than that no payment provider takes, so it could be held and never paid.
MIN_PRICE_CENTS, MAX_PRICE_CENTS = 50, 10_000_000
MAX_TOTAL_CENTS = 99_999_999  # more than eight digits it does not take either
AS_IT_IS_BP = 10_000


class SizeNotServed(Unprocessable):
    """This affiliate does not take vehicles of this size."""


class AddOnNotOffered(Unprocessable):
    """An add-on that was asked for is not offered with this service."""


class PriceTooHigh(Unprocessable):
    """This comes to more than can be paid at once."""


class PromotionDoesNotApply(Unprocessable):
    """This promotion code does not apply here; `why` says what keeps it."""


class Part(BaseModel):
    """What travels inside events. Readers ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)


class SizeMultiplier(Part):
    size_class: SizeClass
    multiplier_bp: int


class SizePrice(Part):
    """What a tier costs for vehicles of this size, instead of its price times the multiplier."""

    size_class: SizeClass
    price_cents: int


class ConditionMultiplier(Part):
    condition: Condition
    multiplier_bp: int


class TravelBand(Part):
    """The fee for going up to so far, nothing or an amount that can be paid; beyond the last band its fee stands."""

    up_to_m: int
    fee_cents: int


class AddOn(Part):
    """Offered with services of these categories; none named: with all."""

    add_on_id: int
    name: str
    price_cents: int
    duration_minutes: int
    categories: list[str] = []
    active: bool = True

    def fits(self, category: str) -> bool:
        return self.active and (not self.categories or category in self.categories)


class PriceList(Part):
    """An affiliate's rules. With sizes, it takes only those, and those that a tier names a price for; without, all."""

    sizes: list[SizeMultiplier] = []
    conditions: list[ConditionMultiplier] = []
    travel_bands: list[TravelBand] = []
    add_ons: list[AddOn] = []
    minimum_cents: int = MIN_PRICE_CENTS
    tax_ppm: int = 0


class TierOnSale(Part):
    """A tier, with the category of its service."""

    name: str
    category: str
    price_cents: int
    duration_minutes: int
    size_prices: list[SizePrice] = []


class Wanted(Part):
    """What is to be done to one vehicle."""

    size_class: SizeClass
    condition: Condition = Condition.NORMAL
    add_on_ids: list[int] = []


class Job(Part):
    """What is to be done, one vehicle after the other; `distance_m` from the affiliate's base, None where there is none
    to pay for."""

    vehicles: list[Wanted]
    distance_m: int | None = None


class Promotion(Part):
    """A code that takes `percent_bp` of the services or `amount_cents` off them; one of the two is set.

    `affiliate_id` None is the platform's: good at every affiliate. `starts_at` is in, `ends_at` is out.
    """

    promotion_id: int
    code: str
    affiliate_id: int | None = None
    percent_bp: int | None = None
    amount_cents: int | None = None
    categories: list[str] = []
    starts_at: datetime
    ends_at: datetime | None = None
    max_uses: int | None = None
    max_uses_per_customer: int | None = None
    active: bool = True

    def must_apply(self, affiliate_id: int, category: str, at: datetime, *, uses: int, uses_by_customer: int) -> None:
        """`PromotionDoesNotApply` unless it is good there, for that, then, and not used up. `at` is UTC."""
        if why := self._hindrance(affiliate_id, category, at, uses, uses_by_customer):
            raise PromotionDoesNotApply(why=why)

    def _hindrance(self, affiliate_id: int, category: str, at: datetime, uses: int, by_customer: int) -> str | None:
        hindrances = {
            "not_active": not self.active,
            "other_affiliate": self.affiliate_id not in (None, affiliate_id),
            "other_category": bool(self.categories) and category not in self.categories,
            "not_begun": at < self.starts_at,
            "over": self.ends_at is not None and at >= self.ends_at,
            "used_up": self.max_uses is not None and uses >= self.max_uses,
            "used_by_you": self.max_uses_per_customer is not None and by_customer >= self.max_uses_per_customer,
        }
        return next((why for why, hinders in hindrances.items() if hinders), None)

    def takes_off(self, services_cents: int) -> int:
        """What remains below the smallest amount that can be paid is waived."""
        wanted = self.amount_cents if self.percent_bp is None else share(services_cents, self.percent_bp)
        rest = services_cents - min(wanted or 0, services_cents)
        return services_cents - (rest if rest >= MIN_PRICE_CENTS else 0)


class LineKind(StrEnum):
    SERVICE = "service"
    SIZE = "size"
    CONDITION = "condition"
    ADD_ON = "add_on"
    MINIMUM = "minimum"
    TRAVEL = "travel"
    PROMOTION = "promotion"
    TAX = "tax"


SERVICES = {LineKind.SERVICE, LineKind.SIZE, LineKind.CONDITION, LineKind.ADD_ON, LineKind.MINIMUM}


class LineItem(Part):
    """`vehicle` counts from 1; None where there is one vehicle only, or for what is not of one."""

    kind: LineKind
    label: str
    amount_cents: int
    add_on_id: int | None = None
    vehicle: int | None = None


class Price(Part):
    """The lines add up to the total; none of them is a fraction of a cent."""

    lines: list[LineItem]
    duration_minutes: int

    @property
    def total_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)

    @property
    def tax_cents(self) -> int:
        return self._sum({LineKind.TAX})

    @property
    def commissionable_cents(self) -> int:
        """What the platform's commission is a share of: the services less the promotion; neither travel nor tax."""
        return self._sum(SERVICES | {LineKind.PROMOTION})

    def _sum(self, kinds: set[LineKind]) -> int:
        return sum(line.amount_cents for line in self.lines if line.kind in kinds)


def price(tier: TierOnSale, rules: PriceList, job: Job, promotion: Promotion | None = None) -> Price:
    """`SizeNotServed` or `AddOnNotOffered` if it cannot be had, `PriceTooHigh` if nobody could pay it; whether the
    promotion applies was asked before."""
    lines = [*_services(tier, rules, job)]
    off = promotion.takes_off(_total(lines)) if promotion else 0
    lines += _line(LineKind.TRAVEL, "Travel", _travel_fee(rules.travel_bands, job.distance_m))
    lines += _line(LineKind.PROMOTION, promotion.code if promotion else "", -off)
    return taxed(lines, rules, duration_minutes(tier, rules, [one.add_on_ids for one in job.vehicles]))


def taxed(lines: Sequence[LineItem], rules: PriceList, minutes: int) -> Price:
    """These lines, with the tax on all of them; `PriceTooHigh` if nobody could pay it."""
    line = _line(LineKind.TAX, f"Tax {rules.tax_ppm / 10_000:g} %", tax(_total(lines), rules.tax_ppm))
    made = Price(lines=[*lines, *line], duration_minutes=minutes)
    if made.total_cents > MAX_TOTAL_CENTS:
        raise PriceTooHigh
    return made


def duration_minutes(tier: TierOnSale, rules: PriceList, add_ons: Sequence[Collection[int]]) -> int:
    """How long the job takes, with what is added to it vehicle by vehicle; `AddOnNotOffered` if that cannot be had."""
    added = [add_on.duration_minutes for ids in add_ons for add_on in _add_ons(rules, tier, ids)]
    return tier.duration_minutes * len(add_ons) + sum(added)


def tax(amount_cents: int, ppm: int) -> int:
    """Rounded half up to the cent."""
    return (amount_cents * ppm + 500_000) // 1_000_000


def sized_cents(tier: TierOnSale, rules: PriceList, size: SizeClass) -> int | None:
    """What a tier costs for a vehicle of this size before anything else; None if it is not taken."""
    for own in tier.size_prices:
        if own.size_class is size:
            return own.price_cents
    multiplier = _multiplier_bp(rules, size)
    return None if multiplier is None else share(tier.price_cents, multiplier)


def _multiplier_bp(rules: PriceList, size: SizeClass) -> int | None:
    known = {entry.size_class: entry.multiplier_bp for entry in rules.sizes}
    return known.get(size) if known else AS_IT_IS_BP


def _services(tier: TierOnSale, rules: PriceList, job: Job) -> Iterator[LineItem]:
    lines: list[LineItem] = []
    for place, wanted in enumerate(job.vehicles, 1):
        lines += _vehicle(tier, rules, wanted, place if len(job.vehicles) > 1 else None)
    least = max(rules.minimum_cents, MIN_PRICE_CENTS)
    yield from lines
    yield from _line(LineKind.MINIMUM, "Minimum price", max(least - _total(lines), 0))


def _vehicle(tier: TierOnSale, rules: PriceList, wanted: Wanted, place: int | None) -> list[LineItem]:
    sized = [*_sized(tier, rules, wanted.size_class)]
    lines = [*sized, *_conditioned(_total(sized), rules, wanted.condition)]
    lines += [_added(add_on) for add_on in _add_ons(rules, tier, wanted.add_on_ids)]
    return [line.model_copy(update={"vehicle": place}) for line in lines] if place else lines


def _sized(tier: TierOnSale, rules: PriceList, size: SizeClass) -> Iterator[LineItem]:
    """A price of the size's own is the tier's price; a multiplier is shown as a line of its own."""
    cents = sized_cents(tier, rules, size)
    if cents is None:
        raise SizeNotServed(size_class=size)
    has_own = any(own.size_class is size for own in tier.size_prices)
    base = cents if has_own else tier.price_cents
    yield LineItem(kind=LineKind.SERVICE, label=tier.name, amount_cents=base)
    yield from _line(LineKind.SIZE, f"Vehicle size: {_words(size)}", cents - base)


def _conditioned(sized: int, rules: PriceList, condition: Condition) -> list[LineItem]:
    known = {entry.condition: entry.multiplier_bp for entry in rules.conditions}
    more = share(sized, known.get(condition, AS_IT_IS_BP)) - sized
    return _line(LineKind.CONDITION, f"Condition: {_words(condition)}", more)


def _add_ons(rules: PriceList, tier: TierOnSale, ids: Collection[int]) -> list[AddOn]:
    """Each once, in the price list's order: in whichever they are asked for, the lines are the same."""
    offered = [add_on for add_on in rules.add_ons if add_on.add_on_id in ids and add_on.fits(tier.category)]
    if missing := set(ids) - {add_on.add_on_id for add_on in offered}:
        raise AddOnNotOffered(add_on_id=min(missing))
    return offered


def _added(add_on: AddOn) -> LineItem:
    return LineItem(
        kind=LineKind.ADD_ON, label=add_on.name, amount_cents=add_on.price_cents, add_on_id=add_on.add_on_id
    )


def _travel_fee(bands: Sequence[TravelBand], distance_m: int | None) -> int:
    if not bands or distance_m is None:
        return 0
    ordered = sorted(bands, key=lambda band: band.up_to_m)
    return next((band.fee_cents for band in ordered if distance_m <= band.up_to_m), ordered[-1].fee_cents)


def _line(kind: LineKind, label: str, cents: int) -> list[LineItem]:
    """No line for nothing."""
    return [LineItem(kind=kind, label=label, amount_cents=cents)] if cents else []


def _total(lines: Sequence[LineItem]) -> int:
    return sum(line.amount_cents for line in lines)


def _words(name: StrEnum) -> str:
    return name.value.replace("_", " ")
