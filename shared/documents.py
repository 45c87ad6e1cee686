"""Papers that people keep, as PDF: who to whom, lines in a table, what they come to. Same content, same bytes.

Texts are other people's too: each is one line of what can be printed, whatever is in it. The font has Latin, Greek and
Cyrillic; what it has no glyph for is a box.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

FONTS = Path(__file__).parent / "fonts"
NAME, BODY, TITLE = "DejaVu", 9, 18  # points
GREY = (120, 120, 120)
LINE = 5  # millimetres
MOST = 300  # characters of a text, so that each row finds room on a page
ISSUER = "Mobile Detail Hub"

logging.getLogger("fpdf").setLevel(logging.ERROR)  # else it would log what it cannot print, which is somebody's name


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is its part of the page beside those of the others; numbers stand to the right."""

    name: str
    width: int
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Lines, and below them what they come to, as label and amount; the last of these is what counts."""

    columns: Sequence[Column]
    lines: Sequence[Sequence[str]]
    totals: Sequence[tuple[str, str]] = ()
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """`facts` are label and value, below the title; `parties` are blocks side by side, of a label and lines."""

    title: str
    made_at: datetime
    facts: Sequence[tuple[str, str]] = ()
    parties: Sequence[tuple[str, Sequence[str]]] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    issuer: str = ISSUER

    def as_pdf(self) -> bytes:
        """Costs some time to compute (`asyncio.to_thread`)."""
        page = _Page(self)
        page.put_head(self)
        page.put_parties(self.parties)
        for table in self.tables:
            page.put_table(table)
        for note in self.notes:
            page.put(note, size=BODY - 1, below=2)
        return bytes(page.output())


class _Page(FPDF):
    """What is drawn on, from the top to the bottom; it grows by further pages."""

    def __init__(self, document: Document) -> None:
        super().__init__(format="letter")
        self.alias_nb_pages("")  # no text of anybody's stands for the number of pages
        self.name, self.issuer = printed(document.title), printed(document.issuer)
        self.set_creation_date(document.made_at)
        self.set_title(self.name)
        self.set_author(self.issuer)
        self.set_lang("en-US")
        self.set_margins(18, 16)
        self.set_auto_page_break(True, margin=18)
        self.add_font(NAME, "", FONTS / "DejaVuSans.ttf")
        self.add_font(NAME, "B", FONTS / "DejaVuSans-Bold.ttf")
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(NAME, "", BODY - 2)
        self.set_text_color(*GREY)
        self.cell(0, LINE, f"{self.issuer} · {self.name} · page {self.page_no()}", align="C")
        self.set_text_color(0, 0, 0)

    def put(self, text: str, *, size: float = BODY, bold: bool = False, below: float = 0) -> None:
        self.set_font(NAME, "B" if bold else "", size)
        self.multi_cell(0, size * 0.55, printed(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(below)

    def put_head(self, document: Document) -> None:
        self.put(document.issuer, size=BODY + 1, below=3)
        self.put(document.title, size=TITLE, bold=True, below=2)
        for label, value in document.facts:
            self.put(f"{label}: {value}")
        self.ln(LINE)

    def put_parties(self, parties: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Side by side; the text goes on below the longest."""
        if not parties:
            return
        top, width = self.get_y(), self.epw / len(parties)
        ends = []
        for place, (label, lines) in enumerate(parties):
            self.set_xy(self.l_margin + place * width, top)
            self._put_in_column(label, width, bold=True)
            for line in lines:
                self._put_in_column(line, width)
            ends.append(self.get_y())
        self.set_xy(self.l_margin, max(ends) + LINE)

    def _put_in_column(self, text: str, width: float, *, bold: bool = False) -> None:
        self.set_font(NAME, "B" if bold else "", BODY)
        self.multi_cell(width - 4, LINE, printed(text), align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)

    def put_table(self, table: Table) -> None:
        """The columns' names stand on each page."""
        if table.heading:
            self.put(table.heading, size=BODY + 2, bold=True, below=2)
        self.set_font(NAME, "", BODY - 1)
        rows = [[column.name for column in table.columns], *table.lines]
        with self.table(
            [[printed(cell) for cell in row] for row in rows],
            col_widths=tuple(column.width for column in table.columns),
            text_align=tuple("RIGHT" if column.number else "LEFT" for column in table.columns),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis="BOLD"),
            line_height=LINE,
        ):
            pass
        self.ln(2)
        self._put_totals(table.totals)

    def _put_totals(self, totals: Sequence[tuple[str, str]]) -> None:
        """Never apart from each other on two pages, if one has the room."""
        if self.will_page_break(LINE * len(totals)):
            self.add_page()
        for place, (label, amount) in enumerate(totals, start=1):
            self.set_font(NAME, "B" if place == len(totals) else "", BODY)
            self.cell(self.epw * 0.75, LINE, printed(label), align="R")
            self.cell(0, LINE, printed(amount), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(LINE)


def printed(text: str) -> str:
    """One line without controls and marks of direction, and no longer than that it can be read."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MOST else f"{line[: MOST - 1]}…"
