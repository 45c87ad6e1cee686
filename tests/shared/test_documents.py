"""Papers as PDF: everything is on them, and nothing in a text does anything."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO

import pypdf
import pytest

from shared.documents import Column, Document, Table

AT = datetime(2026, 11, 30, tzinfo=UTC)
COLUMNS = (Column("Date", 1), Column("What", 3), Column("Amount", 1, number=True))


def paper(lines: Sequence[Sequence[str]] = (("2026-11-02", "Gold", "$189.00"),), title: str = "Invoice") -> Document:
    table = Table(COLUMNS, lines, totals=[("Tax", "$14.00"), ("Total", "$203.00")], heading="Lines")
    parties = [("From", ["Shine", "Brooklyn"]), ("To", ["Łukasz Żółć", "Сергей", "Ángel Ñ", "Ωμέγα"])]
    return Document(title, AT, facts=[("Number", "2026-1")], parties=parties, tables=[table], notes=["Thank you."])


def read(document: Document) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(document.as_pdf())).pages]


def test_everything_is_on_it() -> None:
    [page] = read(paper())
    for text in ("Invoice", "Number: 2026-1", "Łukasz Żółć", "Сергей", "Ángel Ñ", "Ωμέγα", "Gold", "$189.00"):
        assert text in page
    assert page.index("Lines") < page.index("Tax") < page.index("$203.00") < page.index("Thank you.")


def test_the_same_content_is_the_same_bytes() -> None:
    assert paper().as_pdf() == paper().as_pdf()
    assert paper().as_pdf() != paper(title="Other").as_pdf()


def test_many_lines_go_on_with_their_columns_named_on_each_page() -> None:
    pages = read(paper([("2026-11-02", f"Booking {n}", "$1.00") for n in range(150)]))
    assert len(pages) == 4
    assert all("Amount" in page and f"page {number}" in page for number, page in enumerate(pages, start=1))
    assert [n for n in range(150) if sum(f"Booking {n} $" in page for page in pages) != 1] == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("{nb} **bold** <b>__x__</b>", "{nb} **bold** <b>__x__</b>"),
        ("a\nb\x00c\x1b[1m\u202ed", "a b c [1m d"),
        ("(\\) Tj ET", "(\\) Tj ET"),
    ],
)
def test_a_text_is_only_a_text(given: str, shown: str) -> None:
    [page] = read(paper([("", given, "")], title=given))
    assert page.count(shown) >= 2


def test_what_has_no_glyph_is_no_reason_to_fail_or_to_be_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        [page] = read(paper([("", "東京 ✨ Gold", "")]))
    assert "Gold" in page
    assert "東" not in caplog.text


@pytest.mark.parametrize("cell", ["x" * 3_000, "long words " * 300, ""])
def test_a_cell_of_any_length_finds_its_place(cell: str) -> None:
    narrow = Table([Column("A", 1), Column("B", 9)], [(cell, cell)] * 3)
    pages = read(Document("Long", AT, tables=[narrow]))
    assert sum(page.count("…") for page in pages) == (6 if cell else 0)
