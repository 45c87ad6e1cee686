"""Tables as CSV (RFC 4180) that spreadsheets open without running anything in them, and that come back as they were.

A cell that begins like a formula, or with an apostrophe, is written with an apostrophe in front; when it is read, that
one goes away again.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from io import StringIO

from shared.errors import BadRequest, Unprocessable

FORMULA = "=+-@\t\r\n'"
Cell = str | int | Decimal
MOST_TOLD = 50  # faults in one refusal


class NotCsv(BadRequest):
    """The body is not CSV: send it as text/csv, in UTF-8."""

    status = 415


class BadSheet(Unprocessable):
    """Some lines cannot be taken, so none were; see errors."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in which line (from 1, as editors count) and column; no column: the line itself."""

    line: int
    message: str
    column: str | None = None


def refuse_if(faults: Sequence[Fault]) -> None:
    """`BadSheet`, with the first of these; what was sent is not echoed."""
    if faults:
        ordered = sorted(faults, key=lambda fault: fault.line)
        raise BadSheet(errors=[asdict(fault) for fault in ordered[:MOST_TOLD]], fault_count=len(faults))


def written(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """UTF-8 with a byte order mark, without which Excel takes it for something else. Numbers stay numbers, also below
    nothing."""
    text = StringIO(newline="")
    cells = [[escaped(cell) if isinstance(cell, str) else str(cell) for cell in row] for row in rows]
    csv.writer(text).writerows([columns, *cells])
    return text.getvalue().encode("utf-8-sig")


def read(body: bytes, columns: Sequence[str], most_lines: int) -> list[tuple[int, Mapping[str, str]]]:
    """Each row as the line that it begins in and its cells by column; `NotCsv` or `BadSheet`.

    The header names each column once, in any order. Lines may end as they like; blank ones are passed over.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotCsv from error
    reader = _records(text)
    header = [name.strip() for name in next(reader, (1, []))[1]]
    refuse_if(_faults_of(header, columns))
    rows = [(line, dict(zip(header, map(unescaped, cells), strict=False)), len(cells)) for line, cells in reader]
    refuse_if([Fault(line, f"has {n} cells instead of {len(header)}") for line, _, n in rows if n != len(header)])
    refuse_if([Fault(rows[most_lines][0], f"is too much: at most {most_lines} rows")] if rows[most_lines:] else [])
    return [(line, row) for line, row, _ in rows]


def escaped(cell: str) -> str:
    return f"'{cell}" if cell.startswith(tuple(FORMULA)) else cell


def unescaped(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(tuple(FORMULA)) else cell


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    reader, line = csv.reader(StringIO(text, newline=""), strict=True), 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        message = "is not proper CSV: a quotation mark is never closed or stands where none may, or a cell is too long"
        raise BadSheet(errors=[asdict(Fault(line, message))], fault_count=1) from error


def _faults_of(header: Sequence[str], columns: Sequence[str]) -> list[Fault]:
    missing = [Fault(1, "is missing in the header", name) for name in columns if name not in header]
    twice = [Fault(1, "stands twice in the header", name) for name in columns if header.count(name) > 1]
    unknown = [
        Fault(1, f"no column is called what cell {at} of the header says")
        for at, name in enumerate(header, start=1)
        if name not in columns
    ]
    return missing + twice + unknown
