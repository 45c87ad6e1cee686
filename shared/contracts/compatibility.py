"""Within a version only optional fields are added: what that means for two schemas of one event."""

from typing import Any

Schema = dict[str, Any]


def breaks(old: Schema, new: Schema) -> list[str]:
    """Why readers of the one could not bear messages of the other; nothing, if `new` may replace `old`."""
    fields, others = old["properties"], new["properties"]
    before, after = old.get("required", []), new.get("required", [])
    gone = [f"{name} is gone" for name in fields if name not in others]
    changed = [
        f"{name} is another type" for name in fields if name in others and _shape(fields[name]) != _shape(others[name])
    ]
    demanded = [f"{name} is new and required" for name in after if name not in before]
    relaxed = [f"{name} is no longer sent" for name in before if name not in after]
    return gone + changed + demanded + relaxed


def _shape(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in ("title", "description", "default")}
