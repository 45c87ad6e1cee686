"""Every call of Stripe's API that the sandbox answers. The names are also what faults are set for."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import (
    account,
    balance,
    capture,
    charge,
    confirmation,
    creation,
    customer,
    dispute,
    event,
    intent,
    payment_method,
    refund,
    setup,
    transfer,
)
from .document import Document
from .refusal import UnknownRoute


@dataclass(frozen=True)
class Operation:
    """`public` may also be called with the publishable key."""

    name: str
    method: str
    path: str
    run: Callable[..., Document]
    public: bool = False

    def identifiers(self, path: str) -> tuple[str, ...] | None:
        matched = re.fullmatch(self.path.replace("{id}", "([A-Za-z0-9_]+)"), path)
        return None if matched is None else matched.groups()


OPERATIONS = (
    Operation("payment_intents.create", "POST", "/v1/payment_intents", creation.create),
    Operation("payment_intents.list", "GET", "/v1/payment_intents", intent.list_all),
    Operation("payment_intents.search", "GET", "/v1/payment_intents/search", intent.search),
    Operation("payment_intents.retrieve", "GET", "/v1/payment_intents/{id}", intent.retrieve, public=True),
    Operation("payment_intents.update", "POST", "/v1/payment_intents/{id}", intent.update),
    Operation("payment_intents.confirm", "POST", "/v1/payment_intents/{id}/confirm", confirmation.confirm, public=True),
    Operation("payment_intents.capture", "POST", "/v1/payment_intents/{id}/capture", capture.capture),
    Operation("payment_intents.cancel", "POST", "/v1/payment_intents/{id}/cancel", capture.cancel),
    Operation("payment_methods.create", "POST", "/v1/payment_methods", payment_method.create, public=True),
    Operation("payment_methods.retrieve", "GET", "/v1/payment_methods/{id}", payment_method.retrieve),
    Operation("payment_methods.attach", "POST", "/v1/payment_methods/{id}/attach", payment_method.attach),
    Operation("payment_methods.detach", "POST", "/v1/payment_methods/{id}/detach", payment_method.detach),
    Operation("payment_methods.list", "GET", "/v1/payment_methods", payment_method.list_all),
    Operation("setup_intents.create", "POST", "/v1/setup_intents", setup.create),
    Operation("setup_intents.list", "GET", "/v1/setup_intents", setup.list_all),
    Operation("setup_intents.retrieve", "GET", "/v1/setup_intents/{id}", setup.retrieve, public=True),
    Operation("setup_intents.confirm", "POST", "/v1/setup_intents/{id}/confirm", setup.confirm, public=True),
    Operation("setup_intents.cancel", "POST", "/v1/setup_intents/{id}/cancel", setup.cancel),
    Operation("charges.list", "GET", "/v1/charges", charge.list_all),
    Operation("charges.retrieve", "GET", "/v1/charges/{id}", charge.retrieve),
    Operation("refunds.create", "POST", "/v1/refunds", refund.create),
    Operation("refunds.list", "GET", "/v1/refunds", refund.list_all),
    Operation("refunds.retrieve", "GET", "/v1/refunds/{id}", refund.retrieve),
    Operation("refunds.update", "POST", "/v1/refunds/{id}", refund.update),
    Operation("disputes.list", "GET", "/v1/disputes", dispute.list_all),
    Operation("disputes.retrieve", "GET", "/v1/disputes/{id}", dispute.retrieve),
    Operation("disputes.update", "POST", "/v1/disputes/{id}", dispute.update),
    Operation("disputes.close", "POST", "/v1/disputes/{id}/close", dispute.close),
    Operation("customers.create", "POST", "/v1/customers", customer.create),
    Operation("customers.list", "GET", "/v1/customers", customer.list_all),
    Operation("customers.search", "GET", "/v1/customers/search", customer.search),
    Operation("customers.retrieve", "GET", "/v1/customers/{id}", customer.retrieve),
    Operation("customers.update", "POST", "/v1/customers/{id}", customer.update),
    Operation("customers.payment_methods", "GET", "/v1/customers/{id}/payment_methods", payment_method.list_of),
    Operation("balance_transactions.list", "GET", "/v1/balance_transactions", balance.list_all),
    Operation("balance_transactions.retrieve", "GET", "/v1/balance_transactions/{id}", balance.retrieve),
    Operation("balance.retrieve", "GET", "/v1/balance", balance.retrieve_sums),
    Operation("transfers.create", "POST", "/v1/transfers", transfer.create),
    Operation("transfers.list", "GET", "/v1/transfers", transfer.list_all),
    Operation("transfers.reversals.create", "POST", "/v1/transfers/{id}/reversals", transfer.reverse),
    Operation("transfers.reversals.list", "GET", "/v1/transfers/{id}/reversals", transfer.reversals),
    Operation("transfers.retrieve", "GET", "/v1/transfers/{id}", transfer.retrieve),
    Operation("accounts.create", "POST", "/v1/accounts", account.create),
    Operation("accounts.list", "GET", "/v1/accounts", account.list_all),
    Operation("accounts.retrieve", "GET", "/v1/accounts/{id}", account.retrieve),
    Operation("account_links.create", "POST", "/v1/account_links", account.link),
    Operation("events.list", "GET", "/v1/events", event.list_all),
    Operation("events.retrieve", "GET", "/v1/events/{id}", event.retrieve),
)


def find_operation(method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
    for operation in OPERATIONS:
        if operation.method == method and (identifiers := operation.identifiers(path)) is not None:
            return operation, identifiers
    raise UnknownRoute(method, path)
