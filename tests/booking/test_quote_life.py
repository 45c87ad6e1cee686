"""The steps of a quote: which there are, who takes them; every pair of a state and a step."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.booking.domain import quote_life
from services.booking.domain.life import Party
from services.booking.domain.quote import Quote
from services.booking.domain.quote_life import (
    QUOTE_TRANSITIONS,
    NotYourStep,
    QuoteStatus,
    QuoteStep,
    after_step,
)
from shared.auth import Actor, Role
from shared.errors import Refusal
from shared.ids import new_id
from shared.testing.tokens import ADMIN, SUPPORT, customer, member
from shared.vehicles import Condition, SizeClass

README = Path(quote_life.__file__).parents[1] / "README.md"
NOW = datetime(2026, 11, 25, tzinfo=UTC)

# From each state, by each step: the state it leads to, or the refusal.
TABLE = """
           price              decline            withdraw           accept             close              expire          reopen          settle
requested  priced             declined           withdrawn          NotPricedYet       closed             expired         NotPricedYet    NotPricedYet
priced     priced             declined           withdrawn          accepted           closed             expired         NotAccepted     accepted
accepted   AlreadyAccepted    AlreadyAccepted    AlreadyAccepted    AlreadyAccepted    AlreadyAccepted    expired         priced          AlreadyAccepted
declined   WasDeclined        WasDeclined        WasDeclined        WasDeclined        WasDeclined        WasDeclined     WasDeclined     WasDeclined
withdrawn  WasWithdrawn       WasWithdrawn       WasWithdrawn       WasWithdrawn       WasWithdrawn       WasWithdrawn    WasWithdrawn    WasWithdrawn
closed     AnotherWasAccepted AnotherWasAccepted AnotherWasAccepted AnotherWasAccepted AnotherWasAccepted AnotherWasAccepted AnotherWasAccepted AnotherWasAccepted
expired    QuoteHasExpired    QuoteHasExpired    QuoteHasExpired    QuoteHasExpired    QuoteHasExpired    QuoteHasExpired QuoteHasExpired accepted
"""  # noqa: E501


def pairs() -> list[tuple[QuoteStatus, QuoteStep, str]]:
    steps, *rows = (line.split() for line in TABLE.strip().splitlines())
    return [
        (QuoteStatus(row[0]), QuoteStep(step), cell) for row in rows for step, cell in zip(steps, row[1:], strict=True)
    ]


def test_the_table_is_whole() -> None:
    assert {(status, step) for status, step, _ in pairs()} == {(s, step) for s in QuoteStatus for step in QuoteStep}
    assert set(QUOTE_TRANSITIONS) == set(QuoteStep)


@pytest.mark.parametrize(("status", "step", "expected"), pairs())
def test_every_pair_leads_on_or_is_refused_by_name(status: QuoteStatus, step: QuoteStep, expected: str) -> None:
    try:
        outcome = str(after_step(step, status, min(QUOTE_TRANSITIONS[step].by)))
    except Refusal as refusal:
        outcome = type(refusal).__name__ if refusal.status == 409 else "another"
    assert outcome == expected


@pytest.mark.parametrize("by", [*Party, None])
@pytest.mark.parametrize("step", QuoteStep)
def test_nobody_takes_a_step_that_is_anothers(step: QuoteStep, by: Party | None) -> None:
    for status in QUOTE_TRANSITIONS[step].leads_from:
        if by in QUOTE_TRANSITIONS[step].by:
            assert after_step(step, status, by)
        else:
            with pytest.raises(NotYourStep):
                after_step(step, status, by)


def _of_quotes() -> str:
    return README.read_text().split("## Quotes")[1].split("\n## ")[0]


def test_the_readme_draws_exactly_the_table() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (\w+)", _of_quotes(), re.MULTILINE))
    assert drawn == {(f, t.leads_to, step) for step, t in QUOTE_TRANSITIONS.items() for f in t.leads_from}


def quote(status: QuoteStatus = QuoteStatus.PRICED, valid_until: datetime = NOW + timedelta(days=1)) -> Quote:
    return Quote(
        request_id=new_id(), customer_id=7, affiliate_id=31, service_id=41, tier_id=51, service_name="Full",
        tier_name="Gold", status=status, size_class=SizeClass.SUV, condition=Condition.DIRTY, vehicle="", photo_urls=[],
        address="1 Main St", zip="11201", wished_times=[], budget_cents=None, description="", currency="USD",
        valid_until=valid_until,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("actor", "party"),
    [
        (customer(7), Party.CUSTOMER), (customer(8), None), (member(31), Party.LEADERS),
        (member(31, Role.MANAGER), Party.LEADERS), (member(31, Role.TECHNICIAN), None), (member(32), None),
        (SUPPORT, None), (ADMIN, None),
    ],
)  # fmt: skip
def test_who_somebody_is_to_a_quote(actor: Actor, party: Party | None) -> None:
    assert quote().party(actor) is party


@pytest.mark.parametrize("status", QuoteStatus)
@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_what_is_over_has_expired_whether_or_not_anybody_has_said_so(status: QuoteStatus, seconds: int) -> None:
    """From the very moment on; what nobody waits for any more does not expire."""
    one = quote(status, valid_until=NOW + timedelta(seconds=seconds))
    waits = status in (QuoteStatus.REQUESTED, QuoteStatus.PRICED)
    assert one.stands(NOW) is (QuoteStatus.EXPIRED if waits and seconds <= 0 else status)


@pytest.mark.parametrize(("seconds", "status"), [(1, QuoteStatus.PRICED), (0, QuoteStatus.EXPIRED)])
def test_a_quote_whose_booking_came_to_nothing_is_open_while_there_is_time(seconds: int, status: QuoteStatus) -> None:
    one = quote(QuoteStatus.ACCEPTED, valid_until=NOW + timedelta(seconds=seconds))
    one.booking_id = 5
    one.reopen(NOW)
    assert one.booking_id is None
    assert (one.status, one.version) == (status, 2)
