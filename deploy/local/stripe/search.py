"""Stripe's search, as far as one looks for something by its metadata: a minute behind what is made."""

import re

from .call import Call
from .document import Document
from .params import SearchParams, read_params
from .refusal import TurnedAway

BEHIND = 60  # seconds
BY_METADATA = re.compile(r"metadata\['([A-Za-z0-9_-]{1,40})'\]:'([^'\\]{1,500})'")


def searched(call: Call, kind: str, url: str) -> Document:
    params = read_params(SearchParams, call.tree)
    asked = BY_METADATA.fullmatch(params.query)
    if asked is None:
        raise TurnedAway("This sandbox searches by one key of the metadata alone.", param="query")
    key, value = asked.groups()
    statement = (
        "select body from objects where object = :kind and created <= :by"
        " and json_extract(body, '$.metadata.' || json_quote(:key)) = :value order by seq desc limit :most"
    )
    values = {"kind": kind, "by": call.now - BEHIND, "key": key, "value": value, "most": params.limit + 1}
    rows = call.store.rows(statement, values)
    data = [call.store.read(row) for row in rows[: params.limit]]
    has_more = len(rows) > params.limit
    return {"object": "search_result", "data": data, "has_more": has_more, "next_page": None, "url": url}
