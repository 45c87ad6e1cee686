"""What is due of a payment, whatever becomes of it: in the end the affiliate has its share, no more and no less."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.domain.earnings import Earning, PayoutTerms, ripe, total
from services.payments.domain.ledger import affiliate_share, held_back
from services.payments.domain.life import Status
from services.payments.domain.payment import Payment

AT = datetime(2030, 1, 8, tzinfo=UTC)
WEEK = timedelta(days=7)
TERMS = PayoutTerms(WEEK, minimum_cents=2_500)


def taken(cents: int = 10_000, currency: str = "USD", status: Status = Status.CAPTURED) -> Payment:
    return Payment(
        booking_id=1, customer_id=7, affiliate_id=31, amount_cents=cents, commission_cents=cents // 10, tax_cents=0,
        currency=currency, status=status, captured_cents=0 if status is Status.PAID_ON_SITE else cents,
        **Payment.intended(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("since", "is_ripe"),
    [(None, False), (AT, False), (AT - WEEK + timedelta(seconds=1), False), (AT - WEEK, True)],
)
def test_what_is_to_be_paid_waits(since: datetime | None, is_ripe: bool) -> None:
    assert Earning(taken(), since).is_ripe(AT, WEEK) is is_ripe


def test_what_a_person_must_look_at_waits_for_them() -> None:
    parked = taken()
    parked.call_attention("A refund could not be sent.")
    assert not Earning(parked, AT - WEEK).is_ripe(AT, WEEK)
    parked.paid_out_cents = 9_500
    assert Earning(parked, AT - WEEK).is_ripe(AT, WEEK)


@pytest.mark.parametrize("since", [None, AT])
def test_what_is_owed_does_not(since: datetime | None) -> None:
    refunded = taken()
    refunded.paid_out_cents, refunded.refunds_due_cents = 9_000, 10_000
    for debt, cents in ((refunded, -9_000), (taken(status=Status.PAID_ON_SITE), -1_000)):
        earning = Earning(debt, since)
        assert (earning.due_cents, earning.is_ripe(AT, WEEK)) == (cents, True)


def test_what_is_due_is_added_up_by_currency() -> None:
    earnings = [Earning(taken(), AT - WEEK), Earning(taken(currency="EUR"), AT - WEEK), Earning(taken(), AT)]
    due = ripe(earnings, TERMS, AT)
    assert {currency: total(found) for currency, found in due.items()} == {"USD": 9_000, "EUR": 9_000}


FATES = st.lists(
    st.tuples(st.sampled_from(["refund", "dispute", "win", "lose", "pay out"]), st.integers(1, 10_000)), max_size=12
)


def _suffer(payment: Payment, fate: str, cents: int) -> None:
    if fate == "refund":
        payment.refunds_due_cents += min(cents, payment.refundable_cents)
    elif fate == "dispute":
        payment.disputed_cents += cents
    elif fate == "win":
        payment.disputed_cents -= min(cents, payment.disputed_cents)
    elif fate == "lose":
        lost = min(cents, payment.disputed_cents)
        payment.disputed_cents, payment.lost_cents = payment.disputed_cents - lost, payment.lost_cents + lost


@given(FATES, st.integers(1, 10_000))
def test_whenever_it_is_settled_it_comes_to_the_share_and_never_to_what_is_held_back(
    fates: list[tuple[str, int]], cents: int
) -> None:
    payment = taken(cents)
    for fate, some in [*fates, ("pay out", 0)]:
        _suffer(payment, fate, some)
        if fate == "pay out":
            payment.paid_out_cents += Earning(payment, AT - WEEK).due_cents
            assert payment.paid_out_cents == affiliate_share(payment) - held_back(payment)
            assert 0 <= payment.paid_out_cents <= cents
            assert Earning(payment, AT - WEEK).due_cents == 0
