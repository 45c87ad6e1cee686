"""Stripe's lists: newest first, paged by the last identifier seen."""

from .call import Call
from .document import Document
from .params import ListParams
from .refusal import NoSuch
from .store import INDEXED


def listed(call: Call, kind: str, url: str, params: ListParams, types: list[str] | None = None) -> Document:
    """One page of a kind, filtered by those parameters of the call that are indexed columns."""
    conditions, values = _conditions(call, kind, params, types)
    newest_first = params.ending_before is None
    statement = (
        f"select body from objects where {' and '.join(conditions)} "  # noqa: S608 - only our own column names
        f"order by seq {'desc' if newest_first else 'asc'} limit :most"
    )
    rows = call.store.rows(statement, {**values, "most": params.limit + 1})
    found = [call.store.read(row) for row in rows[: params.limit]]
    data = found if newest_first else found[::-1]
    return {"object": "list", "data": data, "has_more": len(rows) > params.limit, "url": url}


def _conditions(
    call: Call, kind: str, params: ListParams, types: list[str] | None
) -> tuple[list[str], dict[str, str | int]]:
    conditions, values = ["object = :kind"], dict[str, str | int](kind=kind)
    for column in INDEXED:
        if (wanted := getattr(params, column, None)) is not None:
            conditions.append(f"{column} = :{column}")
            values[column] = wanted
    for name, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
        if (bound := getattr(params.created, name)) is not None:
            conditions.append(f"created {sign} :{name}")
            values[name] = bound
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if (cursor := getattr(params, name)) is not None:
            conditions.append(f"seq {sign} :{name}")
            values[name] = _place(call, kind, cursor, name)
    if types:
        names = [f":type{number}" for number in range(len(types))]
        conditions.append(f"type in ({', '.join(names)})")
        values |= {f"type{number}": name for number, name in enumerate(types)}
    return conditions, values


def _place(call: Call, kind: str, cursor: str, param: str) -> int:
    statement = "select seq from objects where id = :id and object = :kind"
    row = call.store.row(statement, {"id": cursor, "kind": kind})
    if row is None:
        raise NoSuch(kind, cursor, param)
    place: int = row["seq"]
    return place
