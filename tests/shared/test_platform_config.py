"""The configuration reaches every service: each keeps a copy of it, the newest."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shared.platform_config import THE_ONE, Feature, PlatformConfig, SwitchedOff, must_be_on
from shared.provision import SERVICES
from shared.terms import CancellationPolicy, CommissionRate, Deposit, chosen_policy, commission_bp
from shared.testing.configuration import config_changed
from shared.testing.plugin import Deliver

RATES = [
    CommissionRate(category="ceramic", commission_bp=1200),
    CommissionRate(affiliate_tier="gold", commission_bp=900),
]
FLEXIBLE = CancellationPolicy(name="flexible", free_cancellation_hours=2, late_cancellation_fee_bp=1000)
USUAL = CancellationPolicy(name="usual", free_cancellation_hours=24, late_cancellation_fee_bp=5000)


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_every_service_keeps_the_newest_whole(deliver: Deliver, session: AsyncSession) -> None:
    await must_be_on(session, Feature.REVIEWS)  # nothing is known yet
    newest = config_changed(
        3, commission_rates=RATES, cancellation_policies=[FLEXIBLE], deposit=Deposit(deposit_bp=2000), max_open_holds=5,
        tips_allowed=False, features={"reviews": False, "of_a_later_release": False},
        payment_modes=["later", "on_site"],
    )  # fmt: skip
    for event in (config_changed(1), newest, newest, config_changed(2)):
        await deliver(event)
    kept = await session.get_one(PlatformConfig, THE_ONE, populate_existing=True)
    assert (kept.version, kept.max_open_holds, kept.tips_allowed) == (3, 5, False)
    assert (kept.commission_rates, kept.cancellation_policies) == (RATES, [FLEXIBLE])
    assert kept.deposit == Deposit(deposit_bp=2000, minimum_cents=0)
    assert kept.usual_policy == USUAL
    assert kept.payment_modes == ["later", "on_site"]
    await must_be_on(session, Feature.BOOKINGS)
    with pytest.raises(SwitchedOff):
        await must_be_on(session, Feature.REVIEWS)


async def test_a_deposit_that_is_no_more_is_none(deliver: Deliver, session: AsyncSession) -> None:
    await deliver(config_changed(1, deposit=Deposit(deposit_bp=2000)))
    await deliver(config_changed(2))
    kept = await session.get_one(PlatformConfig, THE_ONE, populate_existing=True)
    assert kept.deposit is None


@pytest.mark.parametrize(
    ("category", "tier", "rate"),
    [("ceramic", "gold", 700), ("ceramic", "standard", 1200), ("full", "gold", 900), ("full", "standard", 1500)],
)
def test_the_rate_that_says_most_holds(category: str, tier: str, rate: int) -> None:
    both = CommissionRate(category="ceramic", affiliate_tier="gold", commission_bp=700)
    assert commission_bp(1500, [*RATES, both], category, tier) == rate


@pytest.mark.parametrize(("chosen", "policy"), [("flexible", FLEXIBLE), (None, USUAL), ("given_up", USUAL)])
def test_a_policy_that_is_no_longer_offered_gives_way_to_the_usual_one(
    chosen: str | None, policy: CancellationPolicy
) -> None:
    assert chosen_policy(USUAL, [FLEXIBLE], chosen) == policy
