"""Services as rows: what comes back, what is refused, without a database."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.bulk import Outcome, Row, Wanted, plan
from services.catalog.domain.service import Service
from services.catalog.domain.tier import TierDraft
from services.catalog.schemas.bulk import COLUMNS, MAX_ROWS, cells_of, rows_of
from shared.sheets import FORMULA, BadSheet, escaped, read, unescaped, written
from shared.vehicles import SizeClass

CATEGORIES = {"full": True, "interior": True, "closed": False}


def draft(**changes: Any) -> TierDraft:
    return replace(TierDraft(None, "Gold", 18_900, 120, ["Wax"], active=True), **changes)


def a_service(service_id: int = 1, *tiers: TierDraft, **changes: Any) -> Service:
    said: dict[str, Any] = {"category": "full", "name": f"No {service_id}", "description": "All.", "active": True}
    service = Service.publish(7, tiers=tiers or [draft()], **said | changes)
    service.id = service_id
    for at, tier in enumerate(service.tiers):
        tier.id = service_id * 100 + at
    return service


def rows_from(services: list[Service]) -> list[Row]:
    """Exported and read again."""
    cells = [cells_of(service, tier) for service in services for tier in service.current_tiers]
    return rows_of(read(written(COLUMNS, cells), COLUMNS, MAX_ROWS))


def refused(rows: list[Row], *services: Service) -> set[tuple[int, str | None]]:
    with pytest.raises(BadSheet) as refusal:
        plan(rows, services, CATEGORIES)
    return {(fault["line"], fault["column"]) for fault in refusal.value.facts["errors"]}


def planned(rows: list[Row], *services: Service) -> list[Wanted]:
    return plan(rows, services, CATEGORIES)


def a_row(line: int, **changes: Any) -> Row:
    return replace(Row(line, None, "full", "New", "", service_active=True, tier=draft()), **changes)


# -- what comes back --

printable = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cf", "Zs", "Co", "Cn"])
lines = st.builds(
    "{}{}".format,
    st.sampled_from(["", *"=+-@'", "'=", "''", '"', ",", "=cmd|' /C calc'!A0"]),
    st.text(printable, max_size=9),
).filter(bool)
anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
tiers = st.builds(
    TierDraft,
    st.none(),
    lines,
    st.integers(50, 10_000_000),
    st.integers(15, 1440),
    st.lists(lines, max_size=4),
    st.booleans(),
    st.dictionaries(st.sampled_from(list(SizeClass)), st.integers(50, 10_000_000), max_size=3),
)
offers = st.tuples(st.lists(tiers, min_size=1, max_size=3), lines, st.one_of(anything, lines), st.booleans())


@given(st.lists(offers, max_size=3))
def test_what_was_exported_changes_nothing_when_it_comes_back(made: list[Any]) -> None:
    services = [
        a_service(at, *own, name=name, description=description, active=active)
        for at, (own, name, description, active) in enumerate(made, start=1)
    ]
    wanted = planned(rows_from(services), *services)
    assert [one.service for one in wanted] == services
    assert {one.outcome for one in wanted} <= {Outcome.UNCHANGED}


@given(anything)
def test_no_cell_begins_like_a_formula_and_each_reads_as_it_was(cell: str) -> None:
    assert not escaped(cell).startswith(tuple("=+-@\t\r\n"))
    assert unescaped(escaped(cell)) == cell


@pytest.mark.parametrize("cell", ["'tis", "'", "a=1", "it's"])
def test_an_apostrophe_of_ones_own_stays(cell: str) -> None:
    assert unescaped(cell) == cell


@pytest.mark.parametrize("begins", FORMULA)
def test_what_a_spreadsheet_would_run_has_an_apostrophe_in_front(begins: str) -> None:
    assert escaped(f"{begins}cmd") == f"'{begins}cmd"
    assert unescaped(f"'{begins}cmd") == f"{begins}cmd"


# -- files --


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_files_come_with_whatever_mark_and_line_ends(bom: bytes, end: bytes) -> None:
    body = bom + end.join([b'b,"a"', b"", b'1,"x', b'y"', b"2,"]) + end
    assert read(body, ("a", "b"), 9) == [
        (3, {"b": "1", "a": f"x{end.decode()}y"}),
        (5, {"b": "2", "a": ""}),
    ]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b"", [(1, "a"), (1, "b")]),
        (b"\n\n", [(1, "a"), (1, "b")]),
        (b"a\n1\n", [(1, "b")]),
        (b"a,b,c\n", [(1, None)]),
        (b"a,b,b\n", [(1, "b")]),
        (b"A,b\n", [(1, "a"), (1, None)]),
        (b"a;b\n1;2\n", [(1, "a"), (1, "b"), (1, None)]),
        (b"a,b\n1\n1,2\n1,2,3\n", [(2, None), (4, None)]),
        (b'a,b\n1,2\n1,"2\n3,4\n', [(3, None)]),
        (b'a,b\n1,"2"3\n', [(2, None)]),
        (b"a,b\n1," + b"x" * 200_000, [(2, None)]),
        (b"a,b\n" + b"1,2\n" * 4, [(5, None)]),
    ],
)
def test_what_is_no_such_table_is_refused_with_its_line(body: bytes, faults: list[tuple[int, str | None]]) -> None:
    with pytest.raises(BadSheet) as refusal:
        read(body, ("a", "b"), 3)
    assert [(fault["line"], fault["column"]) for fault in refusal.value.facts["errors"]] == faults


# -- what rows want --


def test_rows_without_ids_add_and_rows_of_one_name_are_one_service() -> None:
    [one, other] = planned([a_row(2), a_row(3, service="Other"), a_row(4, tier=draft(name="Silver"))], a_service())
    assert (one.outcome, [tier.name for tier in one.tiers], one.first.line) == (Outcome.ADDED, ["Gold", "Silver"], 2)
    assert (other.outcome, other.first.line) == (Outcome.ADDED, 3)


def test_tiers_that_are_not_mentioned_stay_where_they_are_and_new_ones_are_the_last() -> None:
    service = a_service(1, draft(), draft(name="Silver"), draft(name="Bronze"))
    _, silver, _ = rows_from([service])
    dearer = replace(silver, tier=replace(silver.tier, price_cents=99))
    [one] = planned([dearer, replace(silver, tier=draft(name="New"))], service)
    assert one.outcome is Outcome.CHANGED
    assert [(t.id, t.name, t.price_cents) for t in one.tiers] == [
        (100, "Gold", 18_900), (101, "Silver", 99), (102, "Bronze", 18_900), (None, "New", 18_900),
    ]  # fmt: skip
    assert planned([silver], service)[0].outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"service_id": 9}, "service_id"),
        ({"category": "boats"}, "category"),
        ({"category": "closed"}, "category"),
        ({"service": "No 1"}, "service"),
        ({"tier": draft(id=100)}, "tier_id"),
        ({"service_id": 1, "tier": draft(id=200)}, "tier_id"),
    ],
)
def test_what_a_row_may_not_want(changes: dict[str, Any], column: str) -> None:
    assert (2, column) in refused([a_row(2, **changes)], a_service(), a_service(2))


def test_a_service_may_stay_in_a_category_that_was_closed() -> None:
    service = a_service(category="closed")
    [row] = rows_from([service])
    assert planned([replace(row, description="New")], service)[0].outcome is Outcome.CHANGED


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"category": "interior"}, "category"),
        ({"description": "Other"}, "description"),
        ({"service_active": False}, "service_active"),
    ],
)
def test_rows_of_one_service_agree_about_it(changes: dict[str, Any], column: str) -> None:
    assert refused([a_row(2), a_row(3, **changes)]) == {(3, column)}


def test_a_tier_stands_in_a_file_once() -> None:
    [row] = rows_from([a_service()])
    assert refused([row, replace(row, line=3)], a_service()) == {(3, "tier_id")}


def test_there_are_limits_to_services_and_tiers() -> None:
    many = [a_service(at) for at in range(1, 100)]
    assert refused([a_row(2, service="A"), a_row(3, service="B")], *many) == {(3, "service")}
    assert refused([a_row(at) for at in range(2, 23)]) == {(22, "tier")}
    worn = a_service(1, *[draft() for _ in range(200)])
    for tier in worn.tiers[1:]:
        tier.deleted_at = worn.created_at
    assert refused([a_row(2, service_id=1, service="No 1")], worn) == {(2, "tier")}


BAD_CELLS = [
    ("service_id", "x"),
    ("service_id", "0"), ("service_id", "1.0"), ("service_id", "9" * 5000), ("service_id", "\u0661"),
    ("service_id", str(2**63)), ("category", ""), ("category", "Full"), ("service", ""), ("service", "x" * 201),
    ("service", "a\nb"), ("service", "a\0"), ("description", "x" * 2001), ("description", "a\0"),
    ("service_active", ""), ("service_active", "1"), ("tier_id", "-1"), ("tier", " "), ("price_cents", ""),
    ("price_cents", "49"), ("price_cents", "10000001"), ("price_cents", "189.00"), ("price_cents", "1e3"),
    ("price_cents", "=1+1"), ("duration_minutes", "14"), ("duration_minutes", "1441"),
    ("included", "\n".join("ab" * 16)),
    ("included", "a\n" + "x" * 201), ("tier_active", "maybe"), ("price_cents_suv", "49"), ("price_cents_rv", "$5"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "cell"), BAD_CELLS, ids=lambda given: ascii(given)[:20])
def test_a_cell_that_does_not_say_what_its_column_takes_is_named_and_not_echoed(column: str, cell: str) -> None:
    good = dict.fromkeys(COLUMNS, "") | {
        "category": "full", "service": "A", "service_active": "YES", "tier": "B", "price_cents": "50",
        "duration_minutes": "15", "tier_active": "FALSE",
    }  # fmt: skip
    assert len(rows_of([(2, good)])) == 1
    with pytest.raises(BadSheet) as refusal:
        rows_of([(2, good), (3, good | {column: cell})])
    [fault] = refusal.value.facts["errors"]
    assert (fault["line"], fault["column"]) == (3, column)
    assert len(cell) < 3 or cell not in fault["message"]
