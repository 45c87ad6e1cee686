"""What a job costs: examples as detailers price, and what holds whatever the prices are."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared import pricing
from shared.pricing import (
    MAX_PRICE_CENTS,
    MIN_PRICE_CENTS,
    AddOn,
    AddOnNotOffered,
    ConditionMultiplier,
    Job,
    LineKind,
    PriceList,
    PriceTooHigh,
    Promotion,
    PromotionDoesNotApply,
    SizeMultiplier,
    SizeNotServed,
    SizePrice,
    TierOnSale,
    TravelBand,
    Wanted,
    price,
    sized_cents,
)
from shared.vehicles import Condition, SizeClass

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
WAX = AddOn(add_on_id=1, name="Wax", price_cents=4_500, duration_minutes=30)
PETS = AddOn(add_on_id=2, name="Pet hair", price_cents=2_999, duration_minutes=45, categories=["full", "interior"])
GONE = AddOn(add_on_id=3, name="Clay bar", price_cents=6_000, duration_minutes=60, active=False)
FULL = TierOnSale(name="Full detail", category="full", price_cents=18_900, duration_minutes=180)
# As a detailer in New York City prices: sales tax 8.875 %.
NEW_YORK = PriceList(
    sizes=[
        SizeMultiplier(size_class=SizeClass.MOTORCYCLE, multiplier_bp=6_000),
        SizeMultiplier(size_class=SizeClass.SEDAN, multiplier_bp=10_000),
        SizeMultiplier(size_class=SizeClass.SUV, multiplier_bp=12_000),
        SizeMultiplier(size_class=SizeClass.VAN, multiplier_bp=13_333),
    ],
    conditions=[
        ConditionMultiplier(condition=Condition.CLEAN, multiplier_bp=9_000),
        ConditionMultiplier(condition=Condition.VERY_DIRTY, multiplier_bp=15_000),
    ],
    travel_bands=[TravelBand(up_to_m=10_000, fee_cents=0), TravelBand(up_to_m=30_000, fee_cents=2_500)],
    add_ons=[WAX, PETS, GONE],
    minimum_cents=12_000,
    tax_ppm=88_750,
)


def one(distance_m: int | None = None, **wanted: Any) -> Job:
    return Job(vehicles=[Wanted(**wanted)], distance_m=distance_m)


def promotion(**changes: Any) -> Promotion:
    return Promotion(**{"promotion_id": 9, "code": "SPRING", "percent_bp": 1_000, "starts_at": NOON} | changes)


def lines_of(job: Job, code: Promotion | None = None, tier: TierOnSale = FULL) -> list[tuple[str, int]]:
    return [(line.kind.value, line.amount_cents) for line in price(tier, NEW_YORK, job, code).lines]


@pytest.mark.parametrize(
    ("job", "code", "lines"),
    [
        (one(size_class="sedan"), None, [("service", 18_900), ("tax", 1_677)]),
        (one(size_class="suv"), None, [("service", 18_900), ("size", 3_780), ("tax", 2_013)]),
        (
            one(size_class="suv", condition="very_dirty"),
            None,
            [("service", 18_900), ("size", 3_780), ("condition", 11_340), ("tax", 3_019)],
        ),
        (
            one(size_class="van", condition="clean"),  # 251.9937 $, then 9/10 of 251.99 $
            None,
            [("service", 18_900), ("size", 6_299), ("condition", -2_520), ("tax", 2_013)],
        ),
        (
            one(size_class="motorcycle"),
            None,
            [("service", 18_900), ("size", -7_560), ("minimum", 660), ("tax", 1_065)],
        ),
        (
            one(size_class="sedan", add_on_ids=[2, 1, 2], distance_m=10_001),
            None,
            [("service", 18_900), ("add_on", 4_500), ("add_on", 2_999), ("travel", 2_500), ("tax", 2_565)],
        ),
        (one(size_class="sedan", distance_m=10_000), None, [("service", 18_900), ("tax", 1_677)]),
        (one(size_class="sedan", distance_m=99_999), None, [("service", 18_900), ("travel", 2_500), ("tax", 1_899)]),
        (
            one(size_class="sedan", distance_m=20_000),
            promotion(),  # of the services, not of travel; taxed is what is paid
            [("service", 18_900), ("travel", 2_500), ("promotion", -1_890), ("tax", 1_732)],
        ),
        (
            one(size_class="sedan"),
            promotion(percent_bp=None, amount_cents=18_850),
            [("service", 18_900), ("promotion", -18_850), ("tax", 4)],
        ),
        (
            one(size_class="sedan"),
            promotion(percent_bp=None, amount_cents=18_851),  # 49 cents could not be paid
            [("service", 18_900), ("promotion", -18_900)],
        ),
        (
            one(size_class="sedan", distance_m=20_000),
            promotion(percent_bp=None, amount_cents=1_000_000),
            [("service", 18_900), ("travel", 2_500), ("promotion", -18_900), ("tax", 222)],
        ),
    ],
)
def test_as_detailers_price(job: Job, code: Promotion | None, lines: list[tuple[str, int]]) -> None:
    assert lines_of(job, code) == lines


def test_a_price_of_the_sizes_own_stands_instead_of_the_multiplier() -> None:
    tier = FULL.model_copy(update={"size_prices": [SizePrice(size_class=SizeClass.SUV, price_cents=25_000)]})
    assert lines_of(one(size_class=SizeClass.SUV), tier=tier)[0] == ("service", 25_000)
    assert sized_cents(tier, NEW_YORK, SizeClass.SUV) == 25_000
    assert sized_cents(tier, NEW_YORK, SizeClass.SEDAN) == 18_900


def test_a_line_says_what_it_is_for() -> None:
    job = one(size_class=SizeClass.SUV, condition=Condition.VERY_DIRTY, add_on_ids=[1], distance_m=20_000)
    labels = [line.label for line in price(FULL, NEW_YORK, job, promotion()).lines]
    assert labels == [
        "Full detail", "Vehicle size: suv", "Condition: very dirty", "Wax", "Travel", "SPRING", "Tax 8.875 %",
    ]  # fmt: skip


def test_it_lasts_as_long_as_the_tier_and_all_that_is_added() -> None:
    job = one(size_class=SizeClass.SEDAN, add_on_ids=[1, 2])
    assert price(FULL, NEW_YORK, job).duration_minutes == 180 + 30 + 45


def test_with_sizes_named_only_those_are_taken_and_those_that_a_tier_has_a_price_for() -> None:
    truck = one(size_class=SizeClass.TRUCK)
    with pytest.raises(SizeNotServed):
        price(FULL, NEW_YORK, truck)
    assert sized_cents(FULL, NEW_YORK, SizeClass.TRUCK) is None
    own = FULL.model_copy(update={"size_prices": [SizePrice(size_class=SizeClass.TRUCK, price_cents=30_000)]})
    assert price(own, NEW_YORK, truck).lines[0].amount_cents == 30_000
    assert price(FULL, PriceList(), truck).total_cents == 18_900


@pytest.mark.parametrize(
    ("category", "add_on_id"), [("full", 3), ("full", 4), ("exterior", 2)], ids=["inactive", "unknown", "elsewhere"]
)
def test_an_add_on_is_to_be_had_where_it_fits(category: str, add_on_id: int) -> None:
    tier = FULL.model_copy(update={"category": category})
    with pytest.raises(AddOnNotOffered) as refused:
        price(tier, NEW_YORK, one(size_class=SizeClass.SEDAN, add_on_ids=[1, add_on_id]))
    assert refused.value.facts == {"add_on_id": add_on_id}


def test_what_nobody_could_pay_is_refused() -> None:
    most = TierOnSale(name="Yacht", category="full", price_cents=MAX_PRICE_CENTS, duration_minutes=60)
    rules = PriceList(conditions=[ConditionMultiplier(condition=Condition.DIRTY, multiplier_bp=50_000)])
    sizes = [SizeMultiplier(size_class=SizeClass.RV, multiplier_bp=20_000)]
    dirty = one(size_class=SizeClass.RV, condition=Condition.DIRTY)
    assert price(most, rules, dirty).total_cents == 5 * MAX_PRICE_CENTS
    with pytest.raises(PriceTooHigh):
        price(most, rules.model_copy(update={"sizes": sizes}), dirty)


@pytest.mark.parametrize(
    ("changes", "how", "why"),
    [
        ({}, {}, None),
        ({"affiliate_id": 31, "categories": ["full"], "ends_at": NOON + timedelta(days=1)}, {}, None),
        ({"active": False, "starts_at": NOON + timedelta(days=1)}, {}, "not_active"),
        ({"affiliate_id": 32}, {}, "other_affiliate"),
        ({"categories": ["interior", "ceramic"]}, {}, "other_category"),
        ({"starts_at": NOON + timedelta(microseconds=1)}, {}, "not_begun"),
        ({"ends_at": NOON}, {}, "over"),
        ({"ends_at": NOON + timedelta(microseconds=1)}, {}, None),
        ({"max_uses": 5}, {"uses": 5}, "used_up"),
        ({"max_uses": 5}, {"uses": 4}, None),
        ({"max_uses_per_customer": 1}, {"uses": 7, "uses_by_customer": 1}, "used_by_you"),
        ({"max_uses_per_customer": 1}, {"uses": 7}, None),
    ],
)
def test_when_a_promotion_applies(changes: dict[str, Any], how: dict[str, int], why: str | None) -> None:
    found = None
    try:
        promotion(**changes).must_apply(31, "full", NOON, **{"uses": 0, "uses_by_customer": 0} | how)
    except PromotionDoesNotApply as refusal:
        found = refusal.facts["why"]
    assert found == why


# -- what always holds --

FEW, MANY = settings(max_examples=40, deadline=None), settings(deadline=None)
MULTIPLIERS = st.integers(5_000, 50_000)
CATEGORIES = st.sampled_from(["full", "interior", "ceramic"])
FEES = st.just(0) | st.integers(MIN_PRICE_CENTS, 100_000)
TIERS = st.builds(
    TierOnSale,
    name=st.just("Gold"),
    category=CATEGORIES,
    price_cents=st.integers(MIN_PRICE_CENTS, 1_000_000),
    duration_minutes=st.integers(15, 1_440),
    size_prices=st.lists(
        st.builds(SizePrice, size_class=st.sampled_from(SizeClass), price_cents=st.integers(MIN_PRICE_CENTS, 500_000)),
        unique_by=lambda own: own.size_class,
        max_size=2,
    ),
)
ADD_ONS = st.lists(
    st.builds(
        AddOn,
        add_on_id=st.integers(1, 6),
        name=st.just("More"),
        price_cents=st.integers(0, 100_000),
        duration_minutes=st.integers(0, 240),
        categories=st.lists(CATEGORIES, unique=True, max_size=1),
        active=st.booleans(),
    ),
    unique_by=lambda add_on: add_on.add_on_id,
    max_size=5,
)
PRICE_LISTS = st.builds(
    PriceList,
    sizes=st.lists(
        st.builds(SizeMultiplier, size_class=st.sampled_from(SizeClass), multiplier_bp=MULTIPLIERS),
        unique_by=lambda entry: entry.size_class,
    ),
    conditions=st.lists(
        st.builds(ConditionMultiplier, condition=st.sampled_from(Condition), multiplier_bp=MULTIPLIERS),
        unique_by=lambda entry: entry.condition,
    ),
    travel_bands=st.lists(
        st.builds(TravelBand, up_to_m=st.integers(1, 200_000), fee_cents=FEES),
        unique_by=lambda band: band.up_to_m,
        max_size=4,
    ),
    add_ons=ADD_ONS,
    minimum_cents=st.integers(MIN_PRICE_CENTS, 50_000),
    tax_ppm=st.integers(0, 300_000),
)
PROMOTIONS = st.none() | st.builds(
    lambda off: promotion(**off),
    st.fixed_dictionaries({"percent_bp": st.integers(1, 10_000)})
    | st.fixed_dictionaries({"percent_bp": st.none(), "amount_cents": st.integers(1, 2_000_000)}),
)


@st.composite
def quotes(draw: st.DrawFn) -> tuple[TierOnSale, PriceList, Job, Promotion | None]:
    """A job that the price list takes, mostly with add-ons that it offers."""
    tier, rules = draw(TIERS), draw(PRICE_LISTS)
    offered = [add_on.add_on_id for add_on in rules.add_ons if add_on.fits(tier.category)]
    taken = [size for size in SizeClass if sized_cents(tier, rules, size) is not None]
    vehicle = st.builds(
        Wanted,
        size_class=st.sampled_from(taken),
        condition=st.sampled_from(Condition),
        add_on_ids=st.lists(st.sampled_from(offered), max_size=6) if offered else st.just([]),
    )
    vehicles = draw(st.lists(vehicle, min_size=1, max_size=3))
    job = Job(vehicles=vehicles, distance_m=draw(st.none() | st.integers(0, 250_000)))
    return tier, rules, job, draw(PROMOTIONS)


Quote = tuple[TierOnSale, PriceList, Job, Promotion | None]
CHEAPEST = TierOnSale(name="Rinse", category="full", price_cents=50, duration_minutes=15)
HALF_A_CENT = PriceList(tax_ppm=10_000)  # of 50 cents


@MANY
@given(quotes())
@example((CHEAPEST, HALF_A_CENT, one(size_class=SizeClass.RV), None))
@example((CHEAPEST, HALF_A_CENT, one(size_class=SizeClass.RV), promotion(percent_bp=1)))
def test_a_price_is_whole_cents_that_add_up_and_can_be_paid(quote: Quote) -> None:
    found = price(*quote)
    services = sum(line.amount_cents for line in found.lines if line.kind in pricing.SERVICES)
    travel = sum(line.amount_cents for line in found.lines if line.kind is LineKind.TRAVEL)
    untaxed = found.total_cents - found.tax_cents
    assert all(type(line.amount_cents) is int for line in found.lines)
    assert all(line.amount_cents for line in found.lines if line.kind is not LineKind.ADD_ON)  # that may be free
    assert sum(line.amount_cents for line in found.lines) == found.total_cents
    assert found.total_cents == 0 or found.total_cents >= MIN_PRICE_CENTS
    assert services >= quote[1].minimum_cents
    assert 0 <= found.commissionable_cents <= services
    assert found.commissionable_cents + travel == untaxed
    assert abs(found.tax_cents * 1_000_000 - untaxed * quote[1].tax_ppm) <= 500_000


@FEW
@given(quotes())
def test_what_is_paid_for_the_services_is_nothing_or_can_be_paid(quote: Quote) -> None:
    paid = price(*quote).commissionable_cents
    assert paid == 0 or paid >= MIN_PRICE_CENTS


def total(tier: TierOnSale, rules: PriceList, job: Job, code: Promotion | None) -> int:
    return price(tier, rules, job, code).total_cents


def dearer_size(rules: PriceList, job: Job, more: int) -> PriceList:
    changed = [s.model_copy(update={"multiplier_bp": s.multiplier_bp + more}) for s in rules.sizes]
    return rules.model_copy(update={"sizes": changed})


def dearer_condition(rules: PriceList, job: Job, more: int) -> PriceList:
    condition = job.vehicles[0].condition
    others = [c for c in rules.conditions if c.condition is not condition]
    now = next((c.multiplier_bp for c in rules.conditions if c.condition is condition), pricing.AS_IT_IS_BP)
    changed = ConditionMultiplier(condition=condition, multiplier_bp=now + more)
    return rules.model_copy(update={"conditions": [*others, changed]})


def dearer_add_ons(rules: PriceList, job: Job, more: int) -> PriceList:
    changed = [a.model_copy(update={"price_cents": a.price_cents + more}) for a in rules.add_ons]
    return rules.model_copy(update={"add_ons": changed})


def higher_minimum(rules: PriceList, job: Job, more: int) -> PriceList:
    return rules.model_copy(update={"minimum_cents": rules.minimum_cents + more})


def higher_tax(rules: PriceList, job: Job, more: int) -> PriceList:
    return rules.model_copy(update={"tax_ppm": rules.tax_ppm + more})


@FEW
@pytest.mark.parametrize("dearer", [dearer_size, dearer_condition, dearer_add_ons, higher_minimum, higher_tax])
@given(quote=quotes(), more=st.integers(1, 20_000))
def test_a_dearer_price_list_never_makes_it_cheaper(
    dearer: Callable[[PriceList, Job, int], PriceList], quote: Quote, more: int
) -> None:
    tier, rules, job, code = quote
    assert total(tier, dearer(rules, job, more), job, code) >= total(*quote)


@FEW
@given(quotes(), st.integers(0, 200_000), st.integers(0, 200_000))
def test_where_fees_rise_with_the_distance_going_further_is_never_cheaper(quote: Quote, near: int, more: int) -> None:
    tier, rules, job, code = quote
    fees = sorted(band.fee_cents for band in rules.travel_bands)
    ends = sorted(band.up_to_m for band in rules.travel_bands)
    rising = [TravelBand(up_to_m=end, fee_cents=fee) for end, fee in zip(ends, fees, strict=True)]
    rules = rules.model_copy(update={"travel_bands": rising[::-1]})  # in whatever order they come
    here, there = (job.model_copy(update={"distance_m": metres}) for metres in (near, near + more))
    assert total(tier, rules, there, code) >= total(tier, rules, here, code)


def _with_add_ons(job: Job, change: Callable[[list[int]], list[int]]) -> Job:
    vehicles = [one.model_copy(update={"add_on_ids": change(one.add_on_ids)}) for one in job.vehicles]
    return job.model_copy(update={"vehicles": vehicles})


@FEW
@given(quotes())
def test_a_vehicle_more_costs_and_takes_more_and_is_told_by_its_place(quote: Quote) -> None:
    tier, rules, job, _ = quote
    more = job.model_copy(update={"vehicles": [*job.vehicles, job.vehicles[0]]})
    alone, together = price(tier, rules, job), price(tier, rules, more)
    assert together.duration_minutes > alone.duration_minutes
    assert together.total_cents >= alone.total_cents
    services = [line.vehicle for line in together.lines if line.kind is LineKind.SERVICE]
    assert services == list(range(1, len(more.vehicles) + 1))
    of_one = price(tier, rules, Job(vehicles=job.vehicles[:1]))
    assert {line.vehicle for line in of_one.lines} == {None}


@FEW
@given(quotes())
def test_an_add_on_never_makes_it_cheaper_and_no_code_makes_it_dearer(quote: Quote) -> None:
    tier, rules, job, code = quote
    fewer = _with_add_ons(job, lambda ids: ids[1:])
    assert total(tier, rules, fewer, code) <= total(*quote) <= total(tier, rules, job, None)


@FEW
@given(quotes(), st.randoms())
def test_in_whatever_order_add_ons_are_asked_for_the_lines_are_the_same(quote: Quote, random: Any) -> None:
    tier, rules, job, code = quote
    shuffled = _with_add_ons(job, lambda ids: random.sample(ids * 2, len(ids) * 2))
    assert price(tier, rules, shuffled, code) == price(*quote)


@FEW
@given(quotes())
def test_what_travelled_in_events_gives_the_same_price(quote: Quote) -> None:
    parts: Any = (part and type(part).model_validate_json(part.model_dump_json()) for part in quote)
    assert price(*parts) == price(*quote)


@given(
    TIERS, PRICE_LISTS, st.builds(Job, size_class=st.sampled_from(SizeClass), add_on_ids=st.lists(st.integers(1, 9)))
)
def test_what_cannot_be_had_is_refused_by_name(tier: TierOnSale, rules: PriceList, job: Job) -> None:
    """Nothing else ever comes out of it."""
    with suppress(SizeNotServed, AddOnNotOffered):
        assert price(tier, rules, job).total_cents >= MIN_PRICE_CENTS
