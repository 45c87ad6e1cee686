"""Rules of analytics, without a database."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

import shared.contracts
from services.analytics.domain import (
    PERSONAL,
    RULES,
    NotYourNumbers,
    affiliates_asked_for,
    day_of,
    deltas,
    impersonal,
    kept_since,
    user_of,
)
from shared.auth import Actor, Role
from shared.events import CONTRACTS, Event
from shared.testing.tokens import ADMIN, SUPPORT, customer, member

# Text that events carry and that says nothing about a person: looked at, one by one.
HARMLESS = {
    "affiliate_tier", "application_status", "author", "cancellation_policy", "cancelled_by", "category", "cause",
    "charge_for", "city", "counts", "currency", "deleted_by", "ended_by", "features", "kind", "locale",
    "number", "paused_by", "payment_mode", "payment_modes", "prefix", "provider", "purpose", "refusal", "role",
    "scopes", "service_name", "service_zips", "slug", "state", "status", "tier_name", "timezone",
}  # fmt: skip


def text_fields(model: type[Event]) -> set[str]:
    return {name for name, field in model.model_fields.items() if "str" in str(field.annotation)}


@pytest.mark.parametrize("contract", list(CONTRACTS.values()), ids=list(CONTRACTS))
def test_every_text_in_every_contract_was_judged_personal_or_harmless(contract: type[Event]) -> None:
    assert contract.__module__.startswith(shared.contracts.__name__)
    assert text_fields(contract) <= PERSONAL | HARMLESS | contract.personal


def test_what_is_personal_is_dropped_at_any_depth() -> None:
    body = {"email": "a@b.c", "tiers": [{"name": "Gold", "price_cents": 5}], "deep": {"address": "1 Main St", "n": 1}}
    assert impersonal(body) == {"tiers": [{"price_cents": 5}], "deep": {"n": 1}}


def test_every_rule_counts_fields_that_its_event_has() -> None:
    for name, rules in RULES.items():
        for rule in rules:
            assert {*rule.apart_by, *([rule.amount] if rule.amount else [])} <= set(CONTRACTS[name].model_fields)


def test_no_rule_counts_by_what_is_dropped() -> None:
    used = {field for rules in RULES.values() for rule in rules for field in (*rule.apart_by, rule.amount)}
    assert not used & PERSONAL


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("booking.held.v1", {"affiliate_id": 3}, [("bookings_held", 1, {"affiliate_id": 3})]),
        ("booking.expired.v1", {"affiliate_id": 3}, [("bookings_expired", 1, {"affiliate_id": 3})]),
        ("booking.quote_requested.v1", {"affiliate_id": 3}, [("quotes_requested", 1, {"affiliate_id": 3})]),
        ("booking.quote_accepted.v1", {"affiliate_id": 3}, [("quotes_accepted", 1, {"affiliate_id": 3})]),
        ("booking.quote_priced.v1", {"affiliate_id": 3}, []),
        ("payments.refunded.v1", {"affiliate_id": 3, "currency": "EUR", "refund_cents": 7, "refunded_cents": 9},
         [("refunds_cents", 7, {"affiliate_id": 3, "currency": "EUR"})]),
        ("payments.captured.v1", {"affiliate_id": 3, "currency": "EUR", "amount_cents": 7, "commission_cents": 1},
         [("commission_cents", 1, {"affiliate_id": 3, "currency": "EUR"}),
          ("revenue_cents", 7, {"affiliate_id": 3, "currency": "EUR"})]),
        ("payments.captured.v1",
         {"affiliate_id": 3, "currency": "EUR", "amount_cents": 7, "commission_cents": 1, "purpose": "extra"},
         [("commission_cents", 1, {"affiliate_id": 3, "currency": "EUR"}),
          ("revenue_cents", 7, {"affiliate_id": 3, "currency": "EUR"})]),
        ("payments.captured.v1",
         {"affiliate_id": 3, "currency": "EUR", "amount_cents": 7, "commission_cents": 0, "purpose": "tip"},
         [("commission_cents", 0, {"affiliate_id": 3, "currency": "EUR"}),
          ("tips_cents", 7, {"affiliate_id": 3, "currency": "EUR"})]),
        ("payments.paid_on_site.v1", {"affiliate_id": 3, "currency": "EUR", "amount_cents": 7, "commission_cents": 1},
         [("commission_cents", 1, {"affiliate_id": 3, "currency": "EUR"})]),
        ("payments.failed.v1", {"affiliate_id": 3}, []),
        ("booking.refund_due.v1", {"affiliate_id": 3, "refund_cents": 7}, []),
        ("never.heard_of.v1", {}, []),
    ],
)  # fmt: skip
def test_what_an_event_counts_for(name: str, properties: dict[str, Any], expected: list[Any]) -> None:
    assert [(d.metric, d.value, d.dimensions) for d in deltas(name, properties)] == expected


@pytest.mark.parametrize(
    ("properties", "actor", "user"),
    [
        ({"user_id": 5}, "user:9", 5),
        ({}, "user:9", 9),
        ({"customer_id": 7}, "anonymous", None),
        ({}, "service:booking", None),
        ({}, "user:None", None),
        ({}, "user:2 as user:9", 9),
        ({"user_id": 5}, "user:2 as user:9", 5),
        ({}, "user:9 by key:3", 9),
        ({}, "service:booking for user:2 as user:9", None),
    ],
)
def test_whom_an_event_names(properties: dict[str, Any], actor: str, user: int | None) -> None:
    assert user_of(properties, actor) == user


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 5, 4, 23, 59, 59, 999999, tzinfo=UTC), date(2026, 5, 4)),
        (datetime(2026, 5, 5, 0, 0, tzinfo=UTC), date(2026, 5, 5)),
        (datetime(2026, 5, 4, 20, 0, tzinfo=timezone(timedelta(hours=-4))), date(2026, 5, 5)),
        (datetime(2026, 5, 5, 1, 0, tzinfo=timezone(timedelta(hours=2))), date(2026, 5, 4)),
    ],
)
def test_a_day_is_a_utc_day(at: datetime, day: date) -> None:
    assert day_of(at) == day


def test_days_are_kept_whole() -> None:
    at = datetime(2026, 5, 4, 17, 30, tzinfo=UTC)
    assert kept_since(at, 400) == datetime(2025, 3, 30, tzinfo=UTC)
    assert kept_since(at, 1) == datetime(2026, 5, 3, tzinfo=UTC)


TWO = Actor(user_id=9, affiliates=member(31).affiliates | member(32).affiliates)
HELPS_OUT = Actor(user_id=9, affiliates=member(31).affiliates | member(32, Role.TECHNICIAN).affiliates)


@pytest.mark.parametrize(
    ("actor", "asked", "answer"),
    [
        (ADMIN, None, None), (SUPPORT, 31, [31]), (member(31), None, [31]), (member(31), 31, [31]),
        (TWO, None, [31, 32]), (TWO, 32, [32]), (HELPS_OUT, None, [31]),
    ],
)  # fmt: skip
def test_whose_numbers_one_may_see(actor: Actor, asked: int | None, answer: list[int] | None) -> None:
    assert affiliates_asked_for(actor, asked) == answer


@pytest.mark.parametrize(
    ("actor", "asked"),
    [
        (member(31), 32), (customer(7), None), (customer(7), 31), (TWO, 33),
        (member(31, Role.TECHNICIAN), None), (member(31, Role.TECHNICIAN), 31),
    ],
)  # fmt: skip
def test_whose_numbers_one_may_not_see(actor: Actor, asked: int | None) -> None:
    with pytest.raises(NotYourNumbers):
        affiliates_asked_for(actor, asked)
