"""`expand[]=latest_charge.balance_transaction`: identifiers in an answer replaced by what they name."""

from .document import Document
from .refusal import TurnedAway
from .store import Store

DEEPEST = 4
EXPANDABLE = {
    "payment_intent": {"customer", "latest_charge", "payment_method"},
    "charge": {"balance_transaction", "customer", "payment_intent", "refunds"},
    "refund": {"balance_transaction", "charge", "payment_intent"},
    "dispute": {"charge", "payment_intent"},
    "balance_transaction": {"source"},
    "transfer": {"balance_transaction", "destination"},
    "payment_method": {"customer"},
    "setup_intent": {"customer", "payment_method"},
}


def expand(store: Store, document: Document, paths: list[str]) -> None:
    """Expand each path in place."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise TurnedAway(f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}")
        _expand(store, document, steps, path)


def _expand(store: Store, document: Document, steps: list[str], path: str) -> None:
    if document.get("object") == "list" and steps[0] == "data":
        for entry in document["data"] if len(steps) > 1 else []:
            _expand(store, entry, steps[1:], path)
        return
    name = steps[0]
    if name not in EXPANDABLE.get(str(document.get("object")), set()):
        raise TurnedAway(f"This property cannot be expanded ({path}).", param="expand")
    if name == "refunds":
        document[name] = _refunds(store, document)
    elif isinstance(document[name], str):
        document[name] = store.find(document[name])
    if len(steps) > 1 and isinstance(document[name], dict):
        _expand(store, document[name], steps[1:], path)


def _refunds(store: Store, charge: Document) -> Document:
    data = store.all_of("refund", charge=charge["id"])[::-1]
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/charges/{charge['id']}/refunds"}
