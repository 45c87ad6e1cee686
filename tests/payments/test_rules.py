"""The rules by themselves: no database."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.payments.domain.booking import Booking
from services.payments.domain.life import Status
from services.payments.domain.payment import NotYetCaptured, OverRefund, Payment
from services.payments.domain.provider import KEYS_HOLD, Decline, Intent
from services.payments.domain.refund import Refund, RefundStatus
from services.payments.objects import intent_of, refund_of
from services.payments.settings import Settings
from shared.clock import now
from shared.settings import Profile

DECLINE = Decline("ch_1", "No.")


def payment(status: Status = Status.PENDING, captured: int = 0, due: int = 0, refunded: int = 0) -> Payment:
    return Payment(
        booking_id=1, customer_id=7, affiliate_id=31, amount_cents=10_000, commission_cents=1_500, tax_cents=800,
        currency="USD", status=status, captured_cents=captured, refunds_due_cents=due, refunded_cents=refunded,
        **Payment.intended(),
    )  # fmt: skip


def intent(**values: Any) -> Intent:
    known: dict[str, Any] = {
        "id": "pi_1", "status": "succeeded", "received_cents": 10_000, "currency": "USD", "client_secret": "s",
        "reference": None, "payment_method": None, "decline": None,
    }  # fmt: skip
    return Intent(**known | values)


@pytest.mark.parametrize(
    ("before", "called_off", "captured", "declined", "closed"),
    [
        (Status.PENDING, Status.CANCELLING, Status.CAPTURED, None, Status.CANCELLED),
        (Status.REQUIRES_PAYMENT, Status.CANCELLING, Status.CAPTURED, Status.REQUIRES_PAYMENT, Status.CANCELLED),
        (Status.CARD_SAVED, Status.CANCELLED, Status.CAPTURED, None, Status.CANCELLED),
        (Status.AUTHORISED, Status.CANCELLING, Status.CAPTURED, None, Status.CANCELLED),
        (Status.RELEASING, Status.CANCELLING, Status.CAPTURED, None, Status.CANCELLED),
        (Status.CAPTURING, None, Status.CAPTURED, None, Status.CANCELLED),
        (Status.CAPTURED, None, None, None, None),
        (Status.REFUNDED, None, None, None, None),
        (Status.FAILED, Status.CANCELLED, Status.CAPTURED, None, Status.CANCELLED),
        (Status.CANCELLING, None, Status.CAPTURED, None, Status.CANCELLED),
        (Status.CANCELLED, None, Status.CAPTURED, None, None),
    ],
)
def test_what_each_fact_does_in_each_state(
    before: Status, called_off: Status | None, captured: Status | None, declined: Status | None, closed: Status | None
) -> None:
    """None: nothing, and the version stays."""
    verbs = {
        "call_off": (called_off, ()), "capture": (captured, (intent(),)), "decline": (declined, (DECLINE,)),
        "close": (closed, ()),
    }  # fmt: skip
    for verb, (after, arguments) in verbs.items():
        one = payment(before)
        assert getattr(one, verb)(*arguments) is (after is not None), verb
        assert (one.status, one.version) == ((after, 2) if after else (before, 1)), verb


@pytest.mark.parametrize(
    ("before", "after", "payable"),
    [(Status.PENDING, Status.REQUIRES_PAYMENT, True), (Status.CANCELLING, Status.CANCELLING, False)],
)
def test_an_intent_makes_payable_what_is_still_wanted(before: Status, after: Status, payable: bool) -> None:
    one = payment(before)
    assert one.take_intent(intent()) is payable
    assert (one.status, one.stripe_payment_intent_id) == (after, "pi_1")


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [(Status.PENDING, Status.FAILED, True), (Status.CANCELLING, Status.CANCELLED, False)],
)
def test_a_refused_intent_fails_what_is_still_wanted(before: Status, after: Status, news: bool) -> None:
    one = payment(before)
    assert (one.fail("No."), one.status) == (news, after)


@pytest.mark.parametrize(
    ("told", "right"),
    [({}, True), ({"received_cents": 9_999}, False), ({"received_cents": 10_001}, False), ({"currency": "EUR"}, False)],
)
def test_only_the_agreed_sum_is_right(told: dict[str, Any], right: bool) -> None:
    assert (payment().mismatch(intent(**told)) is None) is right


@pytest.mark.parametrize(
    ("status", "captured", "due", "cents", "refusal"),
    [
        (Status.CAPTURED, 10_000, 0, 10_000, None),
        (Status.CAPTURED, 10_000, 9_999, 1, None),
        (Status.CAPTURED, 10_000, 0, 10_001, OverRefund),
        (Status.CAPTURED, 10_000, 10_000, 1, OverRefund),
        (Status.REFUNDED, 10_000, 10_000, 1, OverRefund),
        (Status.PENDING, 0, 0, 1, NotYetCaptured),
        (Status.REQUIRES_PAYMENT, 0, 0, 1, NotYetCaptured),
        (Status.CANCELLING, 0, 0, 1, NotYetCaptured),
    ],
)
def test_no_more_is_owed_than_was_taken(
    status: Status, captured: int, due: int, cents: int, refusal: type[Exception] | None
) -> None:
    one = payment(status, captured, due)
    if refusal is None:
        one.owe(cents)
        assert (one.refunds_due_cents, one.version) == (due + cents, 2)
    else:
        with pytest.raises(refusal):
            one.owe(cents)
        assert (one.refunds_due_cents, one.version) == (due, 1)


@pytest.mark.parametrize(
    ("refunded", "cents", "after"), [(0, 10_000, Status.REFUNDED), (0, 1, Status.CAPTURED), (1, 9_999, Status.REFUNDED)]
)
def test_it_is_refunded_when_all_of_it_is(refunded: int, cents: int, after: Status) -> None:
    one = payment(Status.CAPTURED, 10_000, 10_000, refunded)
    one.repay(cents)
    assert (one.status, one.refunded_cents) == (after, refunded + cents)


@pytest.mark.parametrize(
    ("gone", "statuses"),
    [
        (False, "requested held confirmed en_route in_progress completed"),
        (True, "cancelled expired declined no_show"),
    ],
)
def test_a_booking_is_gone_when_nothing_is_to_be_paid_any_more(gone: bool, statuses: str) -> None:
    of: dict[str, Any] = {"booking_id": 1, "version": 1, "customer_id": 7, "affiliate_id": 31, "price_cents": 10_000}
    for status in statuses.split():
        assert Booking(**of, status=status, currency="USD").is_gone is gone, status


@pytest.mark.parametrize("end", [RefundStatus.SUCCEEDED, RefundStatus.FAILED])
def test_a_refund_ends_once(end: RefundStatus) -> None:
    refund = Refund(payment_id=1, amount_cents=1, reason="r", cause="c", **Refund.intended())
    assert refund.move(RefundStatus.SENT, "re_1")
    assert not refund.move(RefundStatus.SENT, "re_1")
    assert refund.move(end, "re_1")
    for status in RefundStatus:
        assert not refund.move(status, "re_2")
    assert (refund.status, refund.stripe_refund_id) == (end, "re_1")


def test_everything_that_calls_a_person_stays_until_one_has_looked() -> None:
    one = payment()
    assert [one.call_attention(why) for why in ("One.", "Two.", "One.", "Two.")] == [True, True, False, False]
    assert one.attention == "One. Two."


def test_keys_derive_from_reference_operation_and_attempt() -> None:
    one, other = payment(), payment()
    assert one.idempotency_key == f"mdh-{one.reference}-create_intent-1" != other.idempotency_key
    one.try_anew(now())
    assert one.idempotency_key == f"mdh-{one.reference}-create_intent-2"
    assert Refund.intended()["idempotency_key"].endswith("-refund-1")


@pytest.mark.parametrize(("age", "holds"), [(KEYS_HOLD - timedelta(seconds=1), True), (KEYS_HOLD, False)])
def test_a_key_holds_for_less_than_a_day(age: timedelta, holds: bool) -> None:
    one = payment()
    assert one.key_holds(one.requested_at + age) is holds
    one.try_anew(one.requested_at + age)
    assert one.key_holds(one.requested_at)


@pytest.mark.parametrize("metadata", [None, {}, {"mdh_reference": "x"}, {"mdh_reference": ""}, {"other": "y"}])
def test_what_others_made_has_no_reference(metadata: dict[str, str] | None) -> None:
    assert refund_of({"id": "re_1", "status": None, "amount": 1, "metadata": metadata}).reference is None


@pytest.mark.parametrize(
    ("status", "moved", "moves"), [("succeeded", None, False), ("succeeded", "txn_1", True), ("pending", None, True)]
)
def test_what_is_let_go_of_a_hold_is_no_refund(status: str, moved: str | None, moves: bool) -> None:
    told = {"id": "re_1", "status": status, "amount": 1, "metadata": {}, "balance_transaction": moved}
    assert refund_of(told).moves_money is moves


def test_a_decline_is_read_from_an_intent_that_wants_another_card() -> None:
    told: dict[str, Any] = {
        "id": "pi_1", "status": "requires_payment_method", "amount_received": 0, "currency": "usd", "metadata": {},
        "client_secret": "s", "payment_method": None, "latest_charge": None,
        "last_payment_error": {"code": "card_declined", "message": "No.", "charge": "ch_1"},
    }  # fmt: skip
    assert intent_of(told).decline == DECLINE
    assert intent_of(told | {"status": "processing"}).decline is None
    unasked = {"code": "payment_intent_authentication_failure", "payment_method": {"id": "pm_1"}}
    read = intent_of(told | {"last_payment_error": unasked, "metadata": {"mdh_reference": str(UUID(int=1))}})
    assert (read.decline, read.reference, read.currency) == (
        Decline("payment_intent_authentication_failure pm_1", "The payment was declined."), UUID(int=1), "USD",
    )  # fmt: skip


GIVEN: dict[str, Any] = {
    "database_url": "postgresql+asyncpg://x", "amqp_url": "amqp://x", "jwks_url": "http://x", "stripe_api_key": "sk",
    "stripe_webhook_secret": "a, b,", "stripe_publishable_key": "pk", "profile": Profile.PRODUCTION,
}  # fmt: skip


def test_several_webhook_secrets_are_read() -> None:
    assert Settings(**GIVEN).webhook_secrets == ("a", "b")


@pytest.mark.parametrize("missing", ["stripe_api_key", "stripe_webhook_secret", "stripe_publishable_key"])
def test_without_its_secrets_the_service_does_not_start(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"MDH_{missing.upper()}", raising=False)
    with pytest.raises(ValidationError):
        Settings(**{name: value for name, value in GIVEN.items() if name != missing})


@pytest.mark.parametrize("wrong", [{"stripe_webhook_secret": " , "}, {"stripe_api_base": "http://stripe.example"}])
def test_settings_that_protect_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**GIVEN | wrong)
