"""Services as CSV: what stands in each column, and what an import tells."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from shared.http import Body, Id, Text, View
from shared.sheets import Fault, refuse_if
from shared.vehicles import SizeClass

from ..domain.bulk import Outcome, Row, Wanted
from ..domain.service import MAX_SERVICES, MAX_TIERS, Service
from ..domain.tier import MAX_INCLUDED, MAX_MINUTES, MIN_MINUTES, ServiceTier, TierDraft
from .services import Price
from .words import Category, Name

MAX_ROWS = MAX_SERVICES * MAX_TIERS
ANSWERS = {"yes": True, "true": True, "no": False, "false": False}  # the second pair is what spreadsheets make of them
SIZES = {size: f"price_cents_{size}" for size in SizeClass}
COLUMNS = (
    "service_id", "category", "service", "description", "service_active", "tier_id", "tier", "price_cents",
    "duration_minutes", "included", "tier_active", *SIZES.values(),
)  # fmt: skip


def _number(cell: str) -> int:
    if not re.fullmatch("[0-9]{1,19}", cell.strip()):
        raise ValueError("is not a whole number in plain digits")
    return int(cell)


def _number_if_any(cell: str) -> int | None:
    return _number(cell) if cell.strip() else None


def _answer(cell: str) -> bool:
    if (word := cell.strip().lower()) not in ANSWERS:
        raise ValueError("is neither yes nor no")
    return ANSWERS[word]


def _lines(cell: str) -> list[str]:
    return [line for line in cell.splitlines() if line.strip()]


Number = BeforeValidator(_number)
YesOrNo = Annotated[bool, BeforeValidator(_answer)]
IdIfAny = Annotated[Id | None, BeforeValidator(_number_if_any)]


class SheetRow(Body):
    """One line: a tier, and what is said of its service. Every cell comes as text; `included` has one thing a line."""

    service_id: IdIfAny
    category: Category
    service: Name
    description: Text
    service_active: YesOrNo
    tier_id: IdIfAny
    tier: Name
    price_cents: Annotated[Price, Number]
    duration_minutes: Annotated[int, Number, Field(ge=MIN_MINUTES, le=MAX_MINUTES)]
    included: Annotated[list[Name], BeforeValidator(_lines), Field(max_length=MAX_INCLUDED)]
    tier_active: YesOrNo
    size_prices: dict[SizeClass, Annotated[Price | None, BeforeValidator(_number_if_any)]]

    def row(self, line: int) -> Row:
        own = {size: cents for size, cents in self.size_prices.items() if cents is not None}
        tier = TierDraft(
            self.tier_id, self.tier, self.price_cents, self.duration_minutes, self.included, self.tier_active, own
        )
        return Row(line, self.service_id, self.category, self.service, self.description, self.service_active, tier)


def rows_of(lines: Sequence[tuple[int, Mapping[str, str]]]) -> list[Row]:
    """Lines as rows; `BadSheet` with a fault for every cell that does not say what its column takes."""
    rows, faults = [], []
    for line, cells in lines:
        named: dict[str, Any] = {name: cell for name, cell in cells.items() if name not in SIZES.values()}
        try:
            row = SheetRow.model_validate(named | {"size_prices": {size: cells[name] for size, name in SIZES.items()}})
        except ValidationError as error:
            faults += [Fault(line, e["msg"].removeprefix("Value error, "), _column(e["loc"])) for e in error.errors()]
        else:
            rows.append(row.row(line))
    refuse_if(faults)
    return rows


def _column(place: tuple[int | str, ...]) -> str:
    return f"price_cents_{place[1]}" if place[0] == "size_prices" else str(place[0])


def cells_of(service: Service, tier: ServiceTier) -> list[str]:
    """One line of an export, in the order of the columns."""
    own = tier.draft.size_prices
    about_it = [str(service.id), service.category, service.name, service.description, _word(service.active)]
    numbers = [str(tier.id), tier.name, str(tier.price_cents), str(tier.duration_minutes)]
    return [*about_it, *numbers, "\n".join(tier.included), _word(tier.active), *(str(own.get(s, "")) for s in SIZES)]


def _word(active: bool) -> str:
    return "yes" if active else "no"


class ImportedView(View):
    """What becomes of one service, and from which line on; a new one has no id before it is there."""

    line: int
    service_id: int | None
    name: str
    outcome: Outcome

    @classmethod
    def of(cls, wanted: Wanted, service: Service | None) -> "ImportedView":
        first = wanted.first
        return cls(
            line=first.line, service_id=service.id if service else None, name=first.service, outcome=wanted.outcome
        )


class ImportView(View):
    """`dry_run`: this is what would become of them."""

    dry_run: bool
    services: list[ImportedView]
