"""What every service tells of a person's data: its part of an export, and that it has erased it."""

from typing import Annotated

from shared.events import PERSONAL, Event


class DataExported(Event, aggregate="export_part", person="user_id"):
    """A part of what a service holds of a person. `data` is JSON: rows by table. Parts are counted by `version`, from 1
    to `parts`; `export_part_id` is the export that they belong to."""

    export_part_id: int
    user_id: int
    parts: int
    data: Annotated[str, PERSONAL]


class DataErased(Event, aggregate="erasure_receipt"):
    """The receipt: so many rows of each table were erased. `erasure_receipt_id` is the erasure it belongs to."""

    erasure_receipt_id: int
    user_id: int
    customer_id: int | None = None
    counts: dict[str, int]
