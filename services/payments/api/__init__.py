"""HTTP of payments."""

from . import accounts, disputes, ledger, payments, payouts, refund_requests, statements, tips, webhooks

routers = [
    payments.router,
    tips.router,
    refund_requests.router,
    disputes.router,
    ledger.router,
    payouts.router,
    statements.router,
    accounts.router,
    webhooks.router,
]
