"""What events make of a booking and of a quote: a pure function, and one line for each kind of event."""

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.history import CHANGES, LIVES, Life, State, apply, differences
from shared.contracts.booking import (
    BookingConfirmed,
    BookingEvent,
    BookingHeld,
    BookingRefundDue,
    QuoteEvent,
    SeriesEvent,
)
from shared.events import CONTRACTS, Event
from shared.ids import new_id
from shared.pricing import LineItem, Wanted

AT = datetime(2026, 3, 2, 14, tzinfo=UTC)
REQUEST = new_id()
KINDS: dict[str, list[type[Event]]] = {
    "booking": [kind for kind in CONTRACTS.values() if issubclass(kind, BookingEvent)],
    "quote": [kind for kind in CONTRACTS.values() if issubclass(kind, QuoteEvent)],
    "series": [kind for kind in CONTRACTS.values() if issubclass(kind, SeriesEvent)],
}
ALL = [kind for kinds in KINDS.values() for kind in kinds]
MORE = {"charge_cents": 1, "charge_for": "extras", "previous_start": AT, "other_times": [AT]}
WORDS = {"size_class": ("suv", "truck"), "condition": ("normal", "very_dirty")}


def value(kind: type[Event], name: str, number: int) -> Any:
    """One that the field may have; another for another number."""
    annotation = str(kind.model_fields[name].annotation)
    if name in WORDS:
        return WORDS[name][number % 2]
    if "Wanted" in annotation:
        return [Wanted(size_class="suv", add_on_ids=[number])]
    if "LineItem" in annotation:
        return [LineItem(kind="service", label="x", amount_cents=number)]
    if "datetime.datetime" in annotation:
        at = AT + timedelta(hours=number)
        return [at] if "list" in annotation else at
    if "datetime.date" in annotation:
        return date(2026, 3, 2) + timedelta(days=number)
    if "list[int]" in annotation:
        return [number]
    return number if "int" in annotation else REQUEST if "UUID" in annotation else f"text {number}"


def row_of(aggregate: str) -> Any:
    """Something that says of itself all that a row of this kind does, as far as events tell it."""
    life, first = LIVES[aggregate], KINDS[aggregate][0]
    told = {name: value(first, name, 0) for name in first.model_fields if hasattr(life.row, name)}
    return SimpleNamespace(**{**told, **life.before, "id": 5, "version": 1})


def told_by(kind: type[Event], row: Any, number: int = 0) -> Event:
    """The event about the row after it has changed what it may, and told to add a sum what was added."""
    more: dict[str, Any] = {name: at for name, at in MORE.items() if name in kind.model_fields}
    change = CHANGES[kind]
    for name in change.sets:
        source = change.named.get(name, name)
        if number and source in kind.model_fields:
            setattr(row, name, value(kind, source, number))
    for name in change.adds:
        setattr(row, name, getattr(row, name) + number)
        more[name] = number
    more |= {source: getattr(row, name) for name, source in change.named.items()}
    return kind.of(row, **more)


def folded(events: list[Event]) -> State:
    state: State = {}
    for event in events:
        state = apply(state, event)
    return state


@pytest.mark.parametrize("kind", ALL)
def test_each_event_has_its_line_and_tells_what_it_may_change(kind: type[Event]) -> None:
    change = CHANGES[kind]
    names = {change.named.get(name, name) for name in (*change.sets, *change.adds)}
    assert names <= set(kind.model_fields)
    assert all(hasattr(LIVES[kind.aggregate].row, name) for name in (*change.sets, *change.adds))


@pytest.mark.parametrize(("aggregate", "life"), LIVES.items())
def test_each_column_is_rebuilt_unless_events_have_nothing_to_say_of_it(aggregate: str, life: Life) -> None:
    first = KINDS[aggregate][0]
    rebuilt = set(apply({}, told_by(first, row_of(aggregate))))
    for column in life.row.__table__.columns:
        assert column.name in life.silent or rebuilt.issuperset(life.parts.get(column.name, (column.name,)))
    assert rebuilt >= life.personal


@given(st.data())
@pytest.mark.parametrize("aggregate", LIVES)
def test_events_in_order_make_the_row_and_leave_alone_what_they_are_given(aggregate: str, data: st.DataObject) -> None:
    row = row_of(aggregate)
    events = [told_by(KINDS[aggregate][0], row)]
    for number, kind in enumerate(data.draw(st.lists(st.sampled_from(KINDS[aggregate]), max_size=12)), 2):
        row.version = number
        events.append(told_by(kind, row, data.draw(st.integers(1, 9))))
    state: State = {}
    for event in events:
        before, told = deepcopy(state), event.model_copy(deep=True)
        made = apply(state, event)
        assert (state, event) == (before, told)
        assert apply(state, event) == made
        state = made
    assert differences(LIVES[aggregate], row, state) == {}


@pytest.mark.parametrize("kind", ALL)
def test_what_an_event_has_no_business_with_is_found_though_it_tells_of_it(kind: type[Event]) -> None:
    first = told_by(KINDS[kind.aggregate][0], row_of(kind.aggregate))
    change = CHANGES[kind]
    for name in set(apply({}, first)) - {"version", "request_id", *change.sets, *change.adds}:
        row = row_of(kind.aggregate)
        setattr(row, name, value(type(first), name, 3))
        row.version = 2
        state = folded([first, told_by(kind, row, 4)])
        assert set(differences(LIVES[kind.aggregate], row, state)) == {name}


def test_what_was_not_told_yet_is_left_open() -> None:
    row = row_of("booking")
    before = {"lines", "tax_cents", "promotion_id", "paid_cents"}
    old = BookingHeld.model_validate(told_by(BookingHeld, row).model_dump(exclude=before))
    row.tax_cents, row.paid_cents = 1_000, 500
    assert not set(apply({}, old)) & before
    assert differences(LIVES["booking"], row, apply({}, old)) == {}
    row.version, row.status = 2, "confirmed"
    state = folded([old, told_by(BookingConfirmed, row)])
    assert state["paid_cents"] == 500
    assert "tax_cents" not in state


def test_what_goes_back_in_parts_is_added_up() -> None:
    row = row_of("booking")
    events = [told_by(BookingHeld, row), *(told_by(BookingRefundDue, row, cents) for cents in (300, 200))]
    assert folded(events)["refund_cents"] == row.refund_cents
