"""HTTP of payments."""

from . import (
    accounts,
    billing_names,
    cards,
    discrepancies,
    disputes,
    invoices,
    ledger,
    payments,
    payouts,
    refund_requests,
    statements,
    tips,
    webhooks,
)

routers = [
    payments.router,
    tips.router,
    cards.router,
    refund_requests.router,
    disputes.router,
    discrepancies.router,
    invoices.router,
    billing_names.router,
    ledger.router,
    payouts.router,
    statements.router,
    accounts.router,
    webhooks.router,
]
