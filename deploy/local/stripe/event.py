"""Events as they can be read back, for those who missed a webhook."""

from .call import Call
from .document import Document
from .listing import listed
from .params import EventList, Params, read_params


def retrieve(call: Call, identifier: str) -> Document:
    read_params(Params, call.tree)
    return _as_of_now(call, call.load("event", identifier))


def list_all(call: Call) -> Document:
    params = read_params(EventList, call.tree)
    page = listed(call, "event", "/v1/events", params, params.types)
    return {**page, "data": [_as_of_now(call, event) for event in page["data"]]}


def _as_of_now(call: Call, event: Document) -> Document:
    return {**event, "pending_webhooks": call.deliveries.waiting_for(event["id"])}
