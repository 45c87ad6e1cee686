"""Customers, as far as charging a saved card needs them."""

from . import blank
from .call import Call
from .document import Document
from .ids import new_id
from .listing import listed
from .parameter import merged
from .params import CustomerList, CustomerParams, Params, read_params
from .search import searched

TOLD = ("description", "email", "name", "phone")


def create(call: Call) -> Document:
    params = read_params(CustomerParams, call.tree)
    customer: Document = {
        "id": new_id("cus", 14),
        "object": "customer",
        **blank.CUSTOMER,
        "created": call.now,
        **{name: getattr(params, name) for name in TOLD},
        "invoice_prefix": new_id("", 8)[1:].upper(),
        "metadata": merged({}, params.metadata),
    }
    call.store.save(customer)
    call.announce("customer.created", customer)
    return customer


def retrieve(call: Call, identifier: str) -> Document:
    read_params(Params, call.tree)
    return call.load("customer", identifier)


def update(call: Call, identifier: str) -> Document:
    params = read_params(CustomerParams, call.tree)
    before = call.load("customer", identifier)
    changes = params.given(*TOLD)
    customer = {**before, **changes, "metadata": merged(before["metadata"], params.metadata)}
    call.store.save(customer)
    call.announce("customer.updated", customer, before)
    return customer


def list_all(call: Call) -> Document:
    return listed(call, "customer", "/v1/customers", read_params(CustomerList, call.tree))


def search(call: Call) -> Document:
    return searched(call, "customer", "/v1/customers/search")
